# The console (web/): target `console` makes web/dist with npm; src/console embeds what is there. Not part of `all`: it asks the
# package registry, and a build of the program must not.
find_program(TOCSIN_NPM npm)
find_program(TOCSIN_NODE node)
if(TOCSIN_NPM)
  file(GLOB_RECURSE web_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/web/src/* ${PROJECT_SOURCE_DIR}/web/public/* ${PROJECT_SOURCE_DIR}/web/scripts/*)
  set(web ${PROJECT_SOURCE_DIR}/web)
  add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/web_packages.stamp
    COMMAND ${TOCSIN_NPM} ci --no-audit --no-fund --loglevel=error
    COMMAND ${CMAKE_COMMAND} -E touch ${CMAKE_BINARY_DIR}/web_packages.stamp
    DEPENDS ${web}/package.json ${web}/package-lock.json WORKING_DIRECTORY ${web} COMMENT "Installing the packages of the console")
  add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/web_dist.stamp
    COMMAND ${TOCSIN_NPM} run --silent build
    COMMAND ${CMAKE_COMMAND} -E touch ${CMAKE_BINARY_DIR}/web_dist.stamp
    DEPENDS ${CMAKE_BINARY_DIR}/web_packages.stamp ${web_sources} ${web}/index.html ${web}/tsconfig.json ${web}/vite.config.ts
    WORKING_DIRECTORY ${web} COMMENT "Building the console")
  add_custom_target(console DEPENDS ${CMAKE_BINARY_DIR}/web_dist.stamp)
endif()

# The browser tests; they skip themselves, with the reason, where the browser or web/dist is missing.
function(tocsin_console_tests)
  if(TOCSIN_NODE AND EXISTS ${PROJECT_SOURCE_DIR}/web/node_modules/playwright-core)
    add_test(NAME console_browser COMMAND ${TOCSIN_NODE} --test ${PROJECT_SOURCE_DIR}/web/test/ WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}/web)
    set_tests_properties(console_browser PROPERTIES TIMEOUT 900 RUN_SERIAL TRUE)
  endif()
endfunction()
