// Imported first: a user without an account (a uid that only this run has) has no home folder, and
// the SDK asks for one as it is loaded. The state folder is there, is writable, and is the agent's.
process.env["HOME"] ??= process.env["WAYBILL_STATE"] ?? process.cwd();

export {};
