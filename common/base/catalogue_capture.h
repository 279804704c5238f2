/* catalogue_capture.h - the DW-CAPTURE-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
/* clang-format on */
