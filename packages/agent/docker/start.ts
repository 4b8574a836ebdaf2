// oxlint-disable-next-line import/no-unassigned-import -- it has to run before the SDK is loaded
import "../src/home.ts";
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

// The program as the image starts it: with the code that V8 made of it when the image was built.

/** What `record-start.ts` left: one folder, named for the Node and the CPU that made it. */
const RECORDED = fileURLToPath(new URL("../compiled", import.meta.url));

const recorded = useRecorded();
const { program } = await import("../src/program.ts");
// All code is loaded now. What a tool of the model puts there later is read by nobody.
if (recorded !== null) rmSync(recorded, { recursive: true });
await program();

/**
 * Node looks for compiled code below a name that ends with the user's number, and every session has
 * a user of its own: a link of that name leads to the one folder of the image. Code for another Node
 * or CPU lies under a name that Node does not ask for, and everything is compiled as ever.
 */
function useRecorded(): string | null {
  try {
    const [name = "none"] = readdirSync(RECORDED);
    const folder = mkdtempSync(join(tmpdir(), "waybill-compiled-"));
    symlinkSync(join(RECORDED, name), join(folder, `${name}-${process.getuid?.()}`));
    enableCompileCache(folder);
    return folder;
  } catch {
    return null; // No folder for temporary files: slower by a quarter of a second, and no worse.
  }
}
