import { defineConfig } from "vitest/config";

// CI reads the counts of passed, failed and skipped tests from a file.
const report = process.env["WAYBILL_REPORT"];

export default defineConfig({
  ssr: { resolve: { conditions: ["@waybill/source"] } },
  test: {
    include: [
      "packages/*/test/**/*.test.ts",
      "integration/**/*.test.ts",
      "examples/*/**/*.test.ts",
    ],
    // Most tests wait for processes and containers: more workers than cores wait together.
    maxWorkers: 4,
    // Minutes of floods and swaps against the machine's own engine: a step of their own in CI.
    exclude: [
      "**/node_modules/**",
      ...(process.env["WAYBILL_HOSTILE"] === "1" ? [] : ["integration/hostile-*.test.ts"]),
      // Each starts the model's program several times: a step of their own in CI.
      ...(process.env["WAYBILL_AGENT"] === "1"
        ? []
        : [
            "**/test/scenarios/**",
            "integration/scenarios/**",
            "packages/agent/test/failures.test.ts",
          ]),
      // Every way that a container can end, and a second engine: a step of their own in CI.
      ...(process.env["WAYBILL_CONTAINERS"] === "1"
        ? []
        : [
            "packages/transport-docker/test/hard-endings.test.ts",
            "packages/transport-docker/test/podman.test.ts",
            "integration/docker-endings.test.ts",
          ]),
      // Starts an engine of its own, which nobody expects who only runs the tests.
      ...(process.env["WAYBILL_SECOND_ENGINE"] === "1"
        ? []
        : ["integration/docker-restart.test.ts"]),
    ],
    // On a starved CI machine a real process may miss a real deadline once; the report names it.
    retry: process.env["CI"] === "true" ? 2 : 0,
    // Real containers, files and processes: slow machines need room, and a hang must still end.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["default"],
  },
});
