/* err_catalogue.h - every error id that a user can meet: id, title, cause, remedy.
 *
 * X-macro: the includer defines DW_ERR_ENTRY(id, title, cause, remedy); so there is no include
 * guard. One file per area. A test refuses an id that code uses and no entry explains.
 */
#ifdef DW_ERR_ENTRY
#include "common/base/catalogue_api.h"
#include "common/base/catalogue_apply.h"
#include "common/base/catalogue_base.h"
#include "common/base/catalogue_capture.h"
#include "common/base/catalogue_compare.h"
#include "common/base/catalogue_config.h"
#include "common/base/catalogue_event.h"
#include "common/base/catalogue_expr.h"
#include "common/base/catalogue_kafka.h"
#include "common/base/catalogue_map.h"
#include "common/base/catalogue_pg.h"
#include "common/base/catalogue_state.h"
#include "common/base/catalogue_sync.h"
#include "common/base/catalogue_value.h"
#endif
