import { z } from "zod";

/** What the engine knows of an image. */
export interface Image {
  readonly id: string;
  /** Its ENTRYPOINT followed by its CMD. */
  readonly argv: readonly string[];
  /** Its USER; empty for root. */
  readonly user: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Reads the output of `image inspect` for one image, of docker or of podman. */
export function parseImage(text: string): Image | null {
  const [one] = inspected.parse(JSON.parse(text));
  if (one === undefined) return null;
  return {
    id: one.Id,
    argv: [...(one.Config.Entrypoint ?? []), ...(one.Config.Cmd ?? [])],
    user: one.Config.User ?? "",
    labels: one.Config.Labels ?? {},
  };
}

/** The label by which an image says which wire protocol its agent speaks: `0` or `1`. */
export const protocolLabel = "dev.waybill.protocol";

/** The wire protocol that the image says it speaks; null where it does not say. */
export function imageProtocol(image: Image): 0 | 1 | null {
  const label = image.labels[protocolLabel];
  if (label === "0") return 0;
  return label === "1" ? 1 : null;
}

const inspected = z.array(
  z.object({
    Id: z.string(),
    Config: z.object({
      Entrypoint: z.array(z.string()).nullish(),
      Cmd: z.array(z.string()).nullish(),
      User: z.string().nullish(),
      Labels: z.record(z.string(), z.string()).nullish(),
    }),
  }),
);
