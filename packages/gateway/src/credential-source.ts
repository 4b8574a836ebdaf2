import { WaybillError } from "@waybill/core";
import type { Credential } from "./control-words.ts";

/** A secret, or what gives it: asked anew at every `attach` and `check`, so that keys can rotate. */
export type CredentialSource = string | (() => string | Promise<string>);

/** The real credential: an API key, or the OAuth token of a subscription. */
export type ModelCredential =
  | { readonly apiKey: CredentialSource }
  | { readonly oauthToken: CredentialSource };

/** Which kind of credential it is. */
export function credentialKind(credential: ModelCredential): Credential["kind"] {
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
  const value = (
    await ask("apiKey" in credential ? credential.apiKey : credential.oauthToken)
  ).trim();
  if (value === "") {
    throw new WaybillError(
      "GATEWAY_CREDENTIAL_MISSING",
      `The gateway was given an empty ${kind}: is ${variable} set?`,
      { details: { kind } },
    );
  }
  if (!/^[\x21-\x7e]+$/.test(value)) {
    throw new WaybillError(
      "GATEWAY_CREDENTIAL_INVALID",
      `The gateway's ${kind} holds a space or a character outside ASCII: copy ${variable} again.`,
      { details: { kind } },
    );
  }
  return { kind, value };
}

async function ask(source: CredentialSource): Promise<string> {
  try {
    const value: unknown = typeof source === "function" ? await source() : source;
    // A program without types may hand over a variable that is not set.
    return typeof value === "string" ? value : "";
  } catch (error) {
    throw new WaybillError(
      "GATEWAY_CREDENTIAL_UNAVAILABLE",
      "The function that gives the gateway's credential failed: see the cause.",
      { class: "transient", cause: error },
    );
  }
}
