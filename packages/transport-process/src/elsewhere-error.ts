import { WaybillError } from "@waybill/core";
import type { RunHandle } from "@waybill/core";
import type { Claim } from "./records.ts";

/** For a run of another machine or container: its pids say nothing here. */
export function elsewhereError(run: RunHandle, claim: Claim): WaybillError {
  return new WaybillError(
    "RUN_ELSEWHERE",
    `Run ${run.runId} was started on ${claim.place.host}, whose processes cannot be seen from here: ask there, or, once that place is gone for good, write {"exitCode":null,"signal":null} to ${run.control}/exit.json.`,
    { class: "transient", details: { runId: run.runId, host: claim.place.host } },
  );
}
