/* catalogue_base.h - the DW-BASE-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
DW_ERR_ENTRY("DW-BASE-001", "over a size limit",
    "A buffer would have grown over its maximum.",
    "Raise the limit that the message names.")
/* clang-format on */
