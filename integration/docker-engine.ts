import { describe, test } from "vitest";
import { execa } from "execa";

/** Whether tests can use the Docker engine; if not, why, and how to enable them. */
export type EngineForTests =
  | { readonly available: true }
  | { readonly available: false; readonly reason: string };

/**
 * Says whether an engine answers and has these images.
 *
 * Where the environment's WAYBILL_REQUIRE contains `docker`, a missing one is an error, so that a CI
 * without an engine fails and does not quietly test less.
 */
async function dockerEngine(images: readonly string[] = []): Promise<EngineForTests> {
  const reason = await whatIsMissing(images);
  if (reason === null) return { available: true };
  if (isRequired("docker")) {
    throw new Error(`WAYBILL_REQUIRE names docker, and tests of it cannot run. ${reason}`);
  }
  return { available: false, reason };
}

/** A `describe` whose tests are skipped, with the reason in their names, where there is no engine. */
export async function describeWithDocker(
  title: string,
  images: readonly string[],
  body: () => void,
): Promise<void> {
  const engine = await dockerEngine(images);
  if (engine.available) describe(title, body);
  else test.skipIf(true)(`${title}: skipped, ${engine.reason}`, () => undefined);
}

/** Whether WAYBILL_REQUIRE, a list with commas or spaces, contains the word. */
function isRequired(what: string): boolean {
  return (process.env["WAYBILL_REQUIRE"] ?? "").split(/[\s,]+/u).includes(what);
}

/**
 * As `describeWithDocker`, for the Podman of whoever runs the tests, rootful or rootless: an error where WAYBILL_REQUIRE contains `podman` and it
 * does not answer, or lacks an image.
 */
export async function describeWithPodman(
  title: string,
  images: readonly string[],
  body: () => void,
): Promise<void> {
  const reason = await whatPodmanMisses(images);
  if (reason === null) describe(title, body);
  else if (isRequired("podman")) {
    throw new Error(`WAYBILL_REQUIRE names podman, and tests of it cannot run. ${reason}`);
  } else test.skipIf(true)(`${title}: skipped, ${reason}`, () => undefined);
}

async function whatPodmanMisses(images: readonly string[]): Promise<string | null> {
  const mend = "install it (bash .ci/podman-engine.sh) to enable these tests.";
  const info = await execa("podman", ["info"], { reject: false, timeout: 20_000 });
  if (info.exitCode !== 0) return `Podman does not answer: ${mend}`;
  for (const image of images) {
    const found = await execa("podman", ["image", "exists", image], { reject: false });
    if (found.exitCode !== 0) return `Podman lacks the image ${image}: ${mend}`;
  }
  return null;
}

async function whatIsMissing(images: readonly string[]): Promise<string | null> {
  const version = ["version", "--format", "{{.Server.Version}}"];
  const engine = await execa("docker", version, { reject: false, timeout: 20_000 });
  if (engine.exitCode !== 0) {
    return "No Docker engine answers: start one (bash .ci/docker-engine.sh) to enable these tests.";
  }
  for (const image of images) {
    const found = await execa("docker", ["image", "inspect", image], { reject: false });
    if (found.exitCode !== 0) {
      return `The image ${image} is missing: make it (bash .ci/base-image.sh, or docker pull ${image}) to enable these tests.`;
    }
  }
  return null;
}
