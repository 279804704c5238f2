/* fault.h - named points at which a test can make a process die, freeze or wait.
 *
 * DW_FAULT="point:action[:skip][,point:action…]" in the environment; action is kill (SIGKILL to
 * self), stop (SIGSTOP to self), exit, or sleepMS; `skip` passes that many times first. Each fires
 * once. The points are in no release build (DW_FAULTS off: the macro is empty).
 */
#ifndef DW_BASE_FAULT_H
#define DW_BASE_FAULT_H

#ifdef DW_FAULTS
void dw_fault_hit(const char *point);
#define dw_fault(point) dw_fault_hit(point)
#else
#define dw_fault(point) ((void)0)
#endif

#endif
