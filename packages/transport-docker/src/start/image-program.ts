import { WaybillError } from "@waybill/core";
import type { Image } from "../engine/image.ts";
import type { Settings } from "../options.ts";

/** The program and its arguments: the settings' or else the image's own. Throws `COMMAND_NOT_FOUND`. */
export function imageProgram({ command, image: name }: Settings, image: Image): readonly string[] {
  const argv = command ?? image.argv;
  if (argv.length > 0) return argv;
  throw new WaybillError(
    "COMMAND_NOT_FOUND",
    `The image ${name} names no program. Give it an ENTRYPOINT, or give the program as command.`,
    { details: { image: name } },
  );
}
