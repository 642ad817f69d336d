        .section .rodata
        .global tocsin_recording_begin
        .global tocsin_recording_end
        .balign 16
tocsin_recording_begin:
        .incbin TOCSIN_RECORDING
tocsin_recording_end:
        .byte 0
        .section .note.GNU-stack,"",%progbits
