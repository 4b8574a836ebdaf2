import { transportContract } from "@waybill/core/testing";
import { describe, test } from "vitest";
import { processFixture } from "./process-fixture.ts";

describe("transportContract on real processes", () => {
  transportContract({ test, create: processFixture });
});
