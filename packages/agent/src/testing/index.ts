export { scriptedModelProgram } from "./scripted-model-program.ts";
export { scriptedModel } from "./scripted-model.ts";
export type { ScriptedModel, ScriptedModelOptions } from "./scripted-model.ts";
export type { LoggedRequest } from "./request-log.ts";
