// The files of the console, each gzip, one after another; console_table.inc says where each lies.
        .section .rodata
        .global tocsin_console_bytes
        .balign 16
tocsin_console_bytes:
        .incbin TOCSIN_CONSOLE_BIN
        .byte 0
        .section .note.GNU-stack,"",@progbits
