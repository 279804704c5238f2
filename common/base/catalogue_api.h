/* catalogue_api.h - the DW-API-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
DW_ERR_ENTRY("DW-API-001", "the listen address is malformed",
    "An option named listen is not HOST:PORT, or the host is unknown.",
    "Write for example 127.0.0.1:8085, [::1]:8085 or 0.0.0.0:8085.")
DW_ERR_ENTRY("DW-API-002", "cannot listen",
    "Another process has the port, or the address is none of this machine's.",
    "Choose another port, or stop the process that has it (ss -ltnp shows it).")
DW_ERR_ENTRY("DW-API-003", "a thread cannot be started",
    "The system's limit of processes or memory is reached.",
    "Raise the limit (ulimit -u, TasksMax, pids limit of the container).")
DW_ERR_ENTRY("DW-API-004", "the operator API has no token",
    "Neither reconciler.token nor any of tokens is set; the API would answer everybody.",
    "Set reconciler.token, reconciler.token_file or DW_RECONCILER_TOKEN to a long random text.")
DW_ERR_ENTRY("DW-API-005", "the operator API would be open to the network without TLS",
    "reconciler.listen is no loopback address, and reconciler.tls_certificate is not set; who listens on the way reads tokens and rows.",
    "Set reconciler.tls_certificate_file and tls_key_file, or listen on 127.0.0.1; behind a proxy that does TLS set reconciler.allow_plain.")
DW_ERR_ENTRY("DW-API-006", "the TLS certificate or its key cannot be used",
    "The message says which, and what is wrong with it.",
    "Give both in PEM, the certificate with those of its issuers behind it, the key without a passphrase.")
DW_ERR_ENTRY("DW-API-010", "the request is malformed",
    "A parameter or the body is not what the operator API expects; the message says which.",
    "Correct the request; nothing was changed.")
DW_ERR_ENTRY("DW-API-011", "the operator API has nothing at this path",
    "The path or an id in it is wrong, or the command is of another version than the reconciler.",
    "Check the path and reconciler.url; run the same version of both.")
DW_ERR_ENTRY("DW-API-012", "the method is not possible here",
    "The path exists, but takes other methods.",
    "Use one of the methods in the message.")
DW_ERR_ENTRY("DW-API-013", "this reconciler is on standby",
    "Another one is active; only the active one answers.",
    "Ask the active one: point reconciler.url at it, or at a service that follows /readyz.")
DW_ERR_ENTRY("DW-API-014", "the map has problems",
    "The check found mistakes in the map, or it does not fit the tables of both systems.",
    "Mend each problem as its remedy says; `dualwrite map check FILE` shows them without changing anything.")
DW_ERR_ENTRY("DW-API-015", "the file is of another map",
    "The name in the file is not the one that was asked for.",
    "Apply the file under its own name.")
DW_ERR_ENTRY("DW-API-016", "the map cannot change like this",
    "Its topic holds events of the old table, keyed by the old key.",
    "Stop the map first, or make a new map under another name.")
DW_ERR_ENTRY("DW-API-017", "there is no such dead letter",
    "The id is wrong.",
    "See `dualwrite dead-letter list --state all`.")
DW_ERR_ENTRY("DW-API-018", "a token is needed",
    "The request has no bearer token, or none that this reconciler knows; the message says which.",
    "Send the header Authorization: Bearer TOKEN with the value of reconciler.token or of one of tokens.")
DW_ERR_ENTRY("DW-API-019", "request or answer too large",
    "The body is larger than the operator API takes, or the answer larger than it gives.",
    "Send less, or ask for less (limit=).")
DW_ERR_ENTRY("DW-API-020", "the reconciler cannot be reached",
    "It is not running, listens elsewhere, or the network or TLS is wrong.",
    "Start dualwrite-reconciler, or correct reconciler.url (or reconciler.listen) in dualwrite.json.")
DW_ERR_ENTRY("DW-API-021", "the reconciler refuses the token",
    "reconciler.token here is none of those that the reconciler was started with.",
    "Use the same token (or token file) on both sides.")
DW_ERR_ENTRY("DW-API-022", "the answer is not that of an operator API",
    "Something else listens at that address, or a proxy is in between.",
    "Check reconciler.url.")
DW_ERR_ENTRY("DW-API-023", "the order is not in force yet",
    "It was accepted, but the processes that carry it out did not report it within the time.",
    "Look at `dualwrite status`: is a producer of the source system running, and a consumer?")
DW_ERR_ENTRY("DW-API-024", "a map file cannot be read",
    "The path is wrong, the file is too large, or it may not be read.",
    "Check the path and the file's permissions.")
DW_ERR_ENTRY("DW-API-025", "rows would be deleted",
    "--delete-extra deletes rows of the target that the source has not, also those that others have put there under the map's keys.",
    "Look at what would happen (--dry-run), then repeat the command with --yes.")
DW_ERR_ENTRY("DW-API-026", "rows are not copied",
    "A sync that was waited for failed, was cancelled, stands, or took longer than the time given.",
    "See `dualwrite sync list --all`; mend what it says, then `dualwrite sync resume ID`, or "
    "`dualwrite map resume NAME` where the map stands.")
DW_ERR_ENTRY("DW-API-027", "the token's role does not suffice",
    "Each token has a role (tokens.NAME.role): a viewer looks, an operator also runs, an admin also changes maps.",
    "Use a token with the role that the message names, or give this one another role.")
DW_ERR_ENTRY("DW-API-028", "too many requests",
    "A token may ask reconciler.requests_per_second times a second, and twice as often for a moment; wrong tokens from one address far less.",
    "Wait as long as Retry-After says, ask less often, or raise reconciler.requests_per_second.")
DW_ERR_ENTRY("DW-API-029", "the Idempotency-Key was used for another request",
    "A key stands for one request: the same method, path, parameters and body.",
    "Send a new key with a new request; the old key only with the old one.")
DW_ERR_ENTRY("DW-API-030", "the same request is under way",
    "A request with this Idempotency-Key is being done at this moment.",
    "Wait as long as Retry-After says and send it again: then it gets the answer of the first.")
DW_ERR_ENTRY("DW-API-031", "how far the request came is not known",
    "The reconciler that did it was stopped before it kept the answer.",
    "Look whether it was done (`dualwrite audit` shows it), then send it with a new Idempotency-Key if it was not.")
DW_ERR_ENTRY("DW-API-032", "the body is not JSON by its Content-Type",
    "The operator API reads JSON alone, and the header Content-Type names something else.",
    "Send JSON with Content-Type: application/json.")
DW_ERR_ENTRY("DW-API-033", "nothing is known by this name",
    "An alert of the name is not among the rules, so nothing would ever come of the order; the message names those that are.",
    "Use one of the names in the message.")
DW_ERR_ENTRY("DW-API-034", "the day is yet to come",
    "A digest is of today, so far, or of a day before.",
    "Name a day up to today, in UTC.")
DW_ERR_ENTRY("DW-API-040", "partitions can only become more",
    "Kafka can give a topic more partitions and never fewer; a topic that is not there can get none.",
    "See dualwrite map partitions NAME for how many there are.")
DW_ERR_ENTRY("DW-API-050", "a webhook does not take alerts",
    "It is away, refuses the message, or takes longer than webhooks.NAME.timeout_ms; the message says what it answered.",
    "Mend the receiver or webhooks.NAME; until then it is tried again, and nothing is lost. `dualwrite alert test NAME` tries it now.")
DW_ERR_ENTRY("DW-API-051", "there is no such webhook",
    "The name is none of webhooks in dualwrite.json of the reconciler, or there are none at all.",
    "Use one of the names in the message; the reconciler reads dualwrite.json when it starts.")
DW_ERR_ENTRY("DW-API-052", "a file cannot be written",
    "The path is wrong, the disk is full, or it may not be written.",
    "Check the path and the folder's permissions; - writes to standard output.")
DW_ERR_ENTRY("DW-API-060", "this cannot be done with the dead letter",
    "Its state does not allow it, or nobody can tell which row it is; the message says which.",
    "`dualwrite dead-letter show ID` tells its state and what ended it.")
DW_ERR_ENTRY("DW-API-061", "a job still runs",
    "The time given to --wait is over; the job goes on.",
    "Look again: `dualwrite dead-letter jobs JOB --wait`.")
DW_ERR_ENTRY("DW-API-062", "dead letters would be given up",
    "What was discarded cannot be replayed, and what was purged is gone from the index.",
    "Look at what --dry-run shows; then say --yes.")
DW_ERR_ENTRY("DW-API-063", "a system is not in the reconciler's settings",
    "The map names a system that this reconciler's dualwrite.json does not have.",
    "Give all processes the same settings.")
DW_ERR_ENTRY("DW-API-064", "the event cannot take the place of the dead letter's own",
    "It is no valid event, or not one of the same row; the message says where and what. Nothing was changed.",
    "Correct what the message names; `dualwrite dead-letter show ID` shows the event as it is.")
DW_ERR_ENTRY("DW-API-065", "the archive of dead letters cannot be written",
    "The folder of reconciler.letter_archive is missing, full, or not the reconciler's to write to. Nothing leaves the index meanwhile.",
    "Make the folder writable for the reconciler's user, or correct the setting.")
DW_ERR_ENTRY("DW-API-066", "a file cannot be read or written",
    "The message says which, and why. A file that is exported to must not be there yet.",
    "Correct the path or its rights.")
DW_ERR_ENTRY("DW-API-067", "a comparison still runs",
    "The time given to --wait is over; the comparison, or its repair, goes on.",
    "Look again: `dualwrite reconcile show RUN`; `dualwrite reconcile cancel RUN` ends it.")
/* clang-format on */
