// The three parts of the report's page, as they are in the files.
        .section .rodata
        .global tocsin_report_html_begin
        .global tocsin_report_html_end
tocsin_report_html_begin:
        .incbin TOCSIN_REPORT_HTML
tocsin_report_html_end:
        .byte 0
        .global tocsin_report_css_begin
        .global tocsin_report_css_end
tocsin_report_css_begin:
        .incbin TOCSIN_REPORT_CSS
tocsin_report_css_end:
        .byte 0
        .global tocsin_report_js_begin
        .global tocsin_report_js_end
tocsin_report_js_begin:
        .incbin TOCSIN_REPORT_JS
tocsin_report_js_end:
        .byte 0
        .section .note.GNU-stack,"",%progbits
