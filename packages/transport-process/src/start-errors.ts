import { WaybillError } from "@waybill/core";
import type { RunHandle, RunPlan } from "@waybill/core";
import { errorCode } from "./exclusive-file.ts";
import type { LaunchReport } from "./launch-order.ts";

/** For a run that was stopped or removed. */
export function endedError(run: RunHandle): WaybillError {
  return new WaybillError(
    "RUN_ENDED",
    `Run ${run.runId} was stopped or removed and never starts again: request a new run.`,
    { details: { runId: run.runId } },
  );
}

/** For a plan that was prepared for another protocol than the program speaks. */
export function protocolError(plan: RunPlan, protocol: 0 | 1): WaybillError {
  return new WaybillError(
    "PROTOCOL_MISMATCH",
    `Run ${plan.runId} was prepared for protocol ${plan.protocol}, but the program speaks ${protocol}: change the option \`protocol\`, or request a new run.`,
    { details: { runId: plan.runId, plan: plan.protocol, program: protocol } },
  );
}

/** For a launcher that says nothing. */
export function timeoutError(run: RunHandle, timeoutMs: number): WaybillError {
  return new WaybillError(
    "START_TIMEOUT",
    `The launcher of run ${run.runId} said nothing for ${timeoutMs} ms: look into ${run.control}/launcher.log, or allow more with startTimeoutMs.`,
    { class: "unknown", details: { runId: run.runId, timeoutMs } },
  );
}

/** For a launcher that reports a failure, or ends without a report (null). */
export function launcherError(run: RunHandle, report: LaunchReport | null): WaybillError {
  if (report?.type !== "failed") return failed(run, "its launcher ended without a word", "unknown");
  return failed(run, report.message, report.claimed ? "unknown" : classOf(report.code));
}

/** For a launcher that could not be started. */
export function spawnError(run: RunHandle, cause: unknown): WaybillError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return failed(run, why, classOf(errorCode(cause)), cause);
}

/** For a plan whose folders are not there. */
export function unpreparedError(run: RunHandle, why: string): WaybillError {
  return failed(run, `${why}; prepare the run again`, "transient");
}

function failed(
  run: RunHandle,
  why: string,
  failureClass: "permanent" | "transient" | "unknown",
  cause?: unknown,
): WaybillError {
  return new WaybillError(
    "START_FAILED",
    `Run ${run.runId} could not be started: ${why}. ${run.control}/launcher.log may say more.`,
    { class: failureClass, details: { runId: run.runId }, cause },
  );
}

/** A plan that names what is not there, or is closed to us, stays so; the rest may pass. */
function classOf(code: string | null): "permanent" | "transient" {
  return code === "ENOENT" || code === "EACCES" || code === "ENOTDIR" ? "permanent" : "transient";
}
