# The console (web/). src/console embeds what is in web/dist, where there is something: a build of the program needs neither npm
# nor the package registry. Target `console` makes web/dist; with TOCSIN_CONSOLE=ON it is part of the build.
option(TOCSIN_CONSOLE "Build the console with npm as part of the build" OFF)
find_program(TOCSIN_NPM npm)
find_program(TOCSIN_NODE node)
set(TOCSIN_WEB_DIST ${PROJECT_SOURCE_DIR}/web/dist)
if(TOCSIN_CONSOLE AND NOT TOCSIN_NPM)
  message(FATAL_ERROR "TOCSIN_CONSOLE is ON, but there is no npm: tools/setup.sh test installs it")
endif()
if(TOCSIN_NPM)
  set(web ${PROJECT_SOURCE_DIR}/web)
  file(GLOB_RECURSE web_sources CONFIGURE_DEPENDS ${web}/src/* ${web}/public/* ${web}/scripts/*)
  add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/web_packages.stamp
    COMMAND ${TOCSIN_NPM} ci --no-audit --no-fund --loglevel=error
    COMMAND ${CMAKE_COMMAND} -E touch ${CMAKE_BINARY_DIR}/web_packages.stamp
    DEPENDS ${web}/package.json ${web}/package-lock.json WORKING_DIRECTORY ${web} COMMENT "Installing the packages of the console")
  if(TOCSIN_CONSOLE)
    set(made BYPRODUCTS ${TOCSIN_WEB_DIST}/console.bin ${TOCSIN_WEB_DIST}/console_table.inc)
  endif()
  add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/web_dist.stamp ${made}
    COMMAND ${TOCSIN_NPM} run --silent build
    COMMAND ${CMAKE_COMMAND} -E touch ${CMAKE_BINARY_DIR}/web_dist.stamp
    DEPENDS ${CMAKE_BINARY_DIR}/web_packages.stamp ${web_sources} ${web}/index.html ${web}/tsconfig.json ${web}/vite.config.ts
    WORKING_DIRECTORY ${web} COMMENT "Building the console")
  add_custom_target(console DEPENDS ${CMAKE_BINARY_DIR}/web_dist.stamp)
endif()

# The browser tests; they skip themselves, with the reason, where the browser or web/dist is missing.
function(tocsin_console_tests)
  if(TOCSIN_NODE AND (TOCSIN_CONSOLE OR EXISTS ${PROJECT_SOURCE_DIR}/web/node_modules/playwright-core))
    foreach(name flows incidents pages rows tuning)
      add_test(NAME console_${name} COMMAND ${TOCSIN_NODE} --test test/${name}.test.mjs WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}/web)
      set_tests_properties(console_${name} PROPERTIES TIMEOUT 600 RUN_SERIAL TRUE)
    endforeach()
  endif()
endfunction()
