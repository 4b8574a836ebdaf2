// Loaded by `node --import` before the judge: every source of the product is loaded with all of its
// mutants in it, and the tests get a stand-in for vitest.
import { registerHooks } from "node:module";
import { mutatedProduct } from "./product.ts";

const { sources } = mutatedProduct();
const standIn = new URL("stand-in.ts", import.meta.url).href;

registerHooks({
  resolve(specifier, context, nextResolve) {
    if (specifier === "vitest") return { url: standIn, format: null, shortCircuit: true };
    return nextResolve(specifier, context);
  },
  load(url, context, nextLoad) {
    const source = sources.get(url);
    const loaded = nextLoad(url, context);
    return source === undefined ? loaded : { ...loaded, source };
  },
});
