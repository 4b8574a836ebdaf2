import { connectControl } from "./control-link.ts";
import { defaultGatewayRoot, resolveRoot } from "./gateway-root.ts";

/**
 * Ends the gateway's process of a root: for tests, and for an operator. Resolves with whether there
 * was one, once it is gone. Runs that are attached are cut off; the next process serves them again.
 */
export async function stopModelGateway(options: { readonly root?: string } = {}): Promise<boolean> {
  const link = await connectControl(resolveRoot(options.root ?? defaultGatewayRoot()));
  if (link === null) return false;
  await link.call({ call: "stop" });
  await link.ended();
  return true;
}
