// Prints "<passed> <failed> <skipped>" of a vitest JSON report. A file that could not be loaded has
// no tests to fail: it counts as one failure.
import { readFileSync } from "node:fs";

const report = JSON.parse(readFileSync(process.argv[2], "utf8"));
const unloadable = report.testResults.filter(
  ({ status, assertionResults }) =>
    status === "failed" && !assertionResults.some((test) => test.status === "failed"),
).length;
const failed = report.numFailedTests + unloadable;
console.log(report.numPassedTests, failed, report.numPendingTests + report.numTodoTests);
