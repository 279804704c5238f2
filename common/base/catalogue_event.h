/* catalogue_event.h - the DW-EVENT-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
/* clang-format on */
