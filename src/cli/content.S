        .section .rodata
        .global tocsin_content_begin
        .global tocsin_content_end
        .balign 16
tocsin_content_begin:
        .incbin TOCSIN_CONTENT_TAR
tocsin_content_end:
        .byte 0
        .section .note.GNU-stack,"",%progbits
