#!/usr/bin/env node
// oxlint-disable-next-line import/no-unassigned-import -- it has to run before the SDK is loaded
import "./home.ts";
import { program } from "./program.ts";

await program();
