import { WaybillError } from "@waybill/core";
import type { RunPlan } from "@waybill/core";
import { imageProtocol } from "../engine/image.ts";
import type { Image } from "../engine/image.ts";
import type { Settings } from "../options.ts";

/** Throws `PROTOCOL_MISMATCH` where the image says that it speaks another protocol than the plan's. */
export function requireProtocol({ image: name }: Settings, plan: RunPlan, image: Image): void {
  const speaks = imageProtocol(image);
  if (speaks === null || speaks === plan.protocol) return;
  throw new WaybillError(
    "PROTOCOL_MISMATCH",
    `The image ${name} speaks protocol ${speaks}, but the run ${plan.runId} was prepared for protocol ${plan.protocol}. Prepare a new run.`,
    { details: { image: name, speaks, wanted: plan.protocol } },
  );
}
