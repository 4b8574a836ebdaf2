import type { Instant } from "../../ids.ts";
import type { Draft } from "../draft.ts";

/** Puts one kind of event into the state. */
export type Fold<E extends { readonly data: unknown }> = (
  draft: Draft,
  data: E["data"],
  at: Instant,
) => void;

/** The folds of a family of events, by name. */
export type FoldsOf<E extends { readonly type: string; readonly data: unknown }> = {
  readonly [Type in E["type"]]: Fold<Extract<E, { readonly type: Type }>>;
};
