import { readFile } from "node:fs/promises";
import { WaybillError } from "@waybill/core";
import type { Credential } from "./control-words.ts";

/**
 * A secret, or what gives it: a function, or a file that holds it and nothing else. Functions and
 * files are asked anew at every `attach` and `check`, and when an upstream refuses what they gave:
 * that is how keys rotate.
 */
export type CredentialSource =
  | string
  | (() => string | Promise<string>)
  | { readonly file: string };

/** The real credential: an API key, or the OAuth token of a subscription. */
export type ModelCredential =
  | { readonly apiKey: CredentialSource }
  | { readonly oauthToken: CredentialSource };

/** Which kind of credential it is. */
export function credentialKind(credential: ModelCredential): "apiKey" | "oauthToken" {
  return "apiKey" in credential ? "apiKey" : "oauthToken";
}

/**
 * Asks for the credential. Throws `GATEWAY_CREDENTIAL_UNAVAILABLE` where asking failed,
 * `GATEWAY_CREDENTIAL_MISSING` where it is empty and `GATEWAY_CREDENTIAL_INVALID` where it cannot be
 * a header's value. No message holds any of it.
 */
export async function readCredential(credential: ModelCredential): Promise<Credential> {
  const kind = credentialKind(credential);
  const variable = kind === "apiKey" ? "ANTHROPIC_API_KEY" : "CLAUDE_CODE_OAUTH_TOKEN";
  const value = await ask("apiKey" in credential ? credential.apiKey : credential.oauthToken);
  if (value === "") throw missing(kind, `is ${variable} set?`);
  if (!/^[\x21-\x7e]+$/.test(value)) {
    throw invalid(kind, `a space or a character outside ASCII: copy ${variable} again`);
  }
  return { kind, value };
}

/** Asks for the whole `Authorization` header of a named upstream. Throws as `readCredential`. */
export async function readAuthorization(
  name: string,
  source: CredentialSource,
): Promise<Credential> {
  const value = await ask(source);
  const what = `authorization for ${name}`;
  if (value === "") throw missing(what, "leave it out where none is needed.");
  if (!/^[\x20-\x7e]+$/.test(value)) throw invalid(what, "a character outside ASCII");
  return { kind: "authorization", value };
}

async function ask(source: CredentialSource): Promise<string> {
  try {
    const value: unknown = await given(source);
    // A program without types may hand over a variable that is not set.
    return typeof value === "string" ? value.trim() : "";
  } catch (error) {
    throw new WaybillError(
      "GATEWAY_CREDENTIAL_UNAVAILABLE",
      `The ${typeof source === "object" ? `file ${source.file}` : "function"} that gives the gateway's credential failed: see the cause.`,
      { class: "transient", cause: error },
    );
  }
}

async function given(source: CredentialSource): Promise<string> {
  if (typeof source === "function") return source();
  return typeof source === "object" ? readFile(source.file, "utf8") : source;
}

function missing(kind: string, hint: string): WaybillError {
  return new WaybillError(
    "GATEWAY_CREDENTIAL_MISSING",
    `The gateway was given an empty ${kind}: ${hint}`,
    { details: { kind } },
  );
}

function invalid(kind: string, why: string): WaybillError {
  return new WaybillError("GATEWAY_CREDENTIAL_INVALID", `The gateway's ${kind} holds ${why}.`, {
    details: { kind },
  });
}
