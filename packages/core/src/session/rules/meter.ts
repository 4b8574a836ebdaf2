import type { GatewayRequestRefused, ModelUsageRecorded } from "../../events/meter-events.ts";
import type { MeterReading } from "../../ports/gateway.ts";
import type { Metered } from "../command.ts";
import type { Decision } from "../decision.ts";

/** Records what the gateway saw; what is recorded already is passed over. */
export function meter(decision: Decision, command: Metered): void {
  const { life } = decision.state;
  // A tombstone keeps no marks: what was recorded before it could not be told from what is new.
  if (life.type === "unopened" || life.type === "erased") return;
  for (const reading of command.readings) {
    const { ledger, seq } = reading.mark;
    if (seq > (decision.state.metered[ledger] ?? 0)) record(decision, reading);
  }
}

function record(decision: Decision, reading: MeterReading): void {
  switch (reading.type) {
    case "usage": {
      const { type: _, mark, ...data } = reading;
      return decision.emit<ModelUsageRecorded>("ModelUsageRecorded", { ...data, reading: mark });
    }
    case "refused": {
      const { type: _, mark, ...data } = reading;
      const facts = { ...data, reading: mark };
      return decision.emit<GatewayRequestRefused>("GatewayRequestRefused", facts);
    }
    default:
      reading satisfies never;
  }
}
