        .section .rodata
        .global tocsin_attack_table_begin
        .global tocsin_attack_table_end
tocsin_attack_table_begin:
        .incbin TOCSIN_ATTACK_TABLE
tocsin_attack_table_end:
        .byte 0
        .section .note.GNU-stack,"",%progbits
