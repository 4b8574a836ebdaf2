import { describe, expect, test } from "vitest";
import { parseContainers } from "../src/engine/container.ts";
import { parseEvent } from "../src/engine/event.ts";
import { parseImage } from "../src/engine/image.ts";
import { parseInfo } from "../src/engine/info.ts";
import { containerUser } from "../src/start/container-user.ts";
import { settingsOf } from "../src/options.ts";

describe("what docker and podman say", () => {
  test("of a container is read alike", () => {
    const container = (state: object): string =>
      JSON.stringify([{ Id: "abc", Name: "/waybill-1", State: state, Config: { Labels: null } }]);
    const state = { Running: false, ExitCode: 7, OOMKilled: false };
    const read = (status: string, more: object = {}) =>
      parseContainers(container({ ...state, ...more, Status: status }))[0];
    expect(read("exited", { Error: "words" })).toEqual({
      id: "abc",
      name: "waybill-1",
      status: "ended",
      exitCode: 7,
      oomKilled: false,
      error: "words",
      labels: {},
      writable: [],
    });
    expect(read("configured")?.status).toBe("created");
    expect(read("paused", { Running: true })?.status).toBe("paused");
    expect(read("a new word", { Running: true })?.status).toBe("running");
    expect(read("a new word")?.status).toBe("ended");
  });

  test("of themselves gives an identity that lasts", () => {
    const docker = {
      ID: "A:B",
      Name: "vm",
      ServerVersion: "20",
      SecurityOptions: ["name=rootless"],
    };
    expect(parseInfo(JSON.stringify(docker))).toMatchObject({ id: "A:B", rootless: true });
    const podman = {
      host: { hostname: "vm", security: { rootless: false } },
      store: { graphRoot: "/var/lib/containers/storage" },
      version: { Version: "4.3.1" },
    };
    const id = "podman vm /var/lib/containers/storage";
    expect(parseInfo(JSON.stringify(podman))).toMatchObject({ id, rootless: false });
    // What docker prints when the engine does not answer names no engine.
    expect(() => parseInfo('{"ID":"","ServerErrors":["no"]}')).toThrow(/ID/u);
  });

  test("of an event is a hint with a name, and anything else is none", () => {
    const docker = {
      Type: "container",
      Action: "die",
      Actor: { Attributes: { name: "waybill-1", exitCode: "0" } },
    };
    expect(parseEvent(JSON.stringify(docker))).toEqual({
      type: "container",
      name: "waybill-1",
      died: true,
    });
    const podman = { Type: "container", Name: "waybill-2", Status: "start" };
    expect(parseEvent(JSON.stringify(podman))).toEqual({
      type: "container",
      name: "waybill-2",
      died: false,
    });
    const image = { Type: "image", Action: "tag", Actor: { Attributes: { name: "agent:1" } } };
    expect(parseEvent(JSON.stringify(image))).toEqual({ type: "image" });
    for (const line of ["", "{", "null", '{"Action":"die"}', "[1]"]) {
      expect(parseEvent(line)).toBeNull();
    }
  });

  test("of an image gives its whole command", () => {
    const config = { Entrypoint: ["node"], Cmd: ["main.js"], User: "1000", Labels: { a: "b" } };
    expect(parseImage(JSON.stringify([{ Id: "i", Config: config }]))).toEqual({
      id: "i",
      argv: ["node", "main.js"],
      user: "1000",
      labels: { a: "b" },
    });
    expect(parseImage("[]")).toBeNull();
  });
});

describe("the user inside", () => {
  const image = (user: string) => ({ id: "i", argv: [], user, labels: {} });
  const rootful = parseInfo(JSON.stringify({ ID: "e", Name: "vm", ServerVersion: "20" }));
  const settings = settingsOf({ image: "agent:1" });

  test("is the plan's, and the image's own where the plan has none", async () => {
    expect(await containerUser({ uid: 5, gid: 6 }, image(""), settings, unasked)).toBe("5:6");
    expect(await containerUser(null, image("1000:1000"), settings, unasked)).toBeNull();
  });

  test("is never root of a rootful engine, however it is spelled", async () => {
    const refused = { code: "ROOT_REFUSED" };
    for (const user of ["", "0", "root", "0:0", "00", "root:staff"]) {
      const chosen = containerUser(null, image(user), settings, async () => rootful);
      await expect(chosen).rejects.toMatchObject(refused);
    }
    const chosen = containerUser({ uid: 0, gid: 5 }, image("1"), settings, async () => rootful);
    await expect(chosen).rejects.toMatchObject(refused);
  });

  test("is root of a rootless engine where that is the host's own user", async () => {
    const uid = process.getuid?.() ?? 0;
    const rootless = async () => ({ ...rootful, rootless: true });
    expect(await containerUser({ uid, gid: 1 }, image("1"), settings, rootless)).toBe("0:0");
    expect(await containerUser(null, image(""), settings, rootless)).toBeNull();
  });
});

function unasked(): never {
  throw new Error("The engine need not be asked.");
}
