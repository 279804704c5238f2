/* catalogue_apply.h - the DW-APPLY-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
/* clang-format on */
