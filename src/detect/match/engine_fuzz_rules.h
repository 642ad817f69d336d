// For engine_fuzz: rules with every kind of predicate, over few field names, and a table that maps some of them.
#pragma once

namespace tocsin::detect {

inline constexpr const char* kFuzzRules = R"(title: equals
logsource: {product: windows}
detection: {a: {A: cmd.exe, B: 'x'}, condition: a}
---
title: contains
logsource: {product: windows, category: proc}
detection: {a: {A|contains: [mimi, ' -ab ', 'é', 'ſs']}, condition: a}
---
title: all
logsource: {product: windows, service: sec}
detection: {a: {A|contains|all: [mimi, katz, 'k']}, b: {B|startswith: ['ab', '\x']}, condition: a or not b}
---
title: ends
logsource: {category: proc}
detection: {a: {A|endswith: ['.exe', '\cmd'], B: null}, condition: a}
---
title: wildcard
logsource: {product: windows}
detection: {a: {C: ['a*b?c', '*\*?', 'x?y*', '?', '*é*k*']}, condition: a}
---
title: cased
logsource: {product: windows}
detection: {a: {A|contains|cased: ['Mimi', 'ß'], B|cased: 'X'}, b: {C|cased: '*Ab*'}, condition: 1 of them}
---
title: regex
logsource: {product: windows}
detection: {a: {A|re: ['^a+b(c|d)*$', 'k{2,3}\d', '(?i)windows\\[a-z]+']}, condition: a}
---
title: regexflags
logsource: {product: windows}
detection: {a: {B|re|i: 'ab.c'}, b: {B|re|m|s: '^x.y$'}, condition: a or b}
---
title: cidr
logsource: {product: windows}
detection: {a: {D|cidr: ['10.0.0.0/8', 'fe80::/10', '192.168.1.0/24', '2001:db8::/32']}, condition: a}
---
title: numbers
logsource: {product: windows}
detection: {a: {EventID|gt: 5, EventID|lte: 4624}, b: {A|lt: -1.5}, c: {B|gte: 1000}, condition: a or b or c}
---
title: ids
logsource: {product: windows}
detection: {a: {EventID: [1, 2, 4624], Channel: Sec}, condition: a}
---
title: exists
logsource: {product: windows}
detection: {a: {A|exists: true, B|exists: false}, condition: a}
---
title: nothing
logsource: {product: windows}
detection: {a: {A: ''}, b: {B: null}, c: {C|neq: ''}, condition: (a and b) or not c}
---
title: fieldref
logsource: {product: windows}
detection: {a: {A|fieldref: B}, b: {A|fieldref|contains: C}, c: {B|fieldref|endswith: C}, condition: 1 of them}
---
title: base64
logsource: {product: windows}
detection: {a: {A|base64offset|contains: [cmd.exe, whoami]}, b: {A|wide|base64offset|contains: cmd}, condition: a or b}
---
title: windash
logsource: {product: windows}
detection: {a: {A|contains|windash: [' -ab ', '-enc']}, condition: a}
---
title: times
logsource: {product: windows}
detection: {a: {D|hour: 5}, b: {D|month: 12}, c: {D|year|lte: 2020}, condition: 1 of them}
---
title: keywords
logsource: {product: windows}
detection: {k: [mimikatz, 'k?tz', '*aab*'], condition: k}
---
title: keywordsall
logsource: {product: linux}
detection: {k: {'|all': [ab, x]}, condition: k}
---
title: negated
logsource: {product: windows}
detection: {a: {A|contains: a}, f1: {A|contains: mimi}, f2: {B: '1'}, condition: a and not 1 of f*}
---
title: allofthem
logsource: {product: windows}
detection: {a: {A: '*'}, b: {B: '?*'}, c: {C|neq: x}, condition: all of them}
---
title: lists
logsource: {product: windows}
detection: {a: [{A: x, B: x}, {A|endswith: k, C|startswith: k}], condition: a}
---
title: booleans
logsource: {product: windows}
detection: {a: {A: true, B: 5}, condition: a}
---
title: neq
logsource: {product: windows}
detection: {a: {A|neq|contains: x, B|neq: [cmd, 5]}, condition: a}
---
title: noproduct
logsource: {category: any_proc}
detection: {a: {MA: x, Other|contains: 'K'}, condition: a}
)";

inline constexpr const char* kFuzzTable = R"(product: windows
rows:
  - {service: sec, when: {Channel: Sec}}
  - {category: proc, when: {Channel: Sys, EventID: 1}}
  - {category: any_proc, when: {A: '*', B: null}}
  - category: proc
    when: {Channel: Sec, EventID: [1, 2]}
    fields:
      A: MA
      B: {from: MB, as: decimal}
      C: {from: MC, values: {'x': 'mimikatz', '': 'cmd'}, prefixes: {'aa': 'cmd', 'Windows': '\'}}
)";

}  // namespace tocsin::detect
