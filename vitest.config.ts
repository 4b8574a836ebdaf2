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
    // Real containers, files and processes: slow machines need room, and a hang must still end.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["default"],
  },
});
