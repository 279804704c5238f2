/* catalogue_api.h - the DW-API-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
DW_ERR_ENTRY("DW-API-001", "the listen address is malformed",
    "An option named listen is not HOST:PORT, or the host is unknown.",
    "Write for example 127.0.0.1:8085, [::1]:8085 or 0.0.0.0:8085.")
DW_ERR_ENTRY("DW-API-002", "cannot listen",
    "Another process has the port, or the address is none of this machine's.",
    "Choose another port, or stop the process that has it (ss -ltnp shows it).")
/* clang-format on */
