import { after, describe } from "node:test";
import { administrationCases } from "./cases/administration.ts";
import { deliveryCases } from "./cases/deliveries.ts";
import { inboundCases } from "./cases/inbound.ts";
import { monitoringCases } from "./cases/monitoring.ts";
import { requestCases } from "./cases/requests.ts";
import { type OpenScene, openScene, type Scene } from "./scene.ts";
import { readTarget } from "./target.ts";

/** Each waits most of its time. */
const CONCURRENT_CASES = 4;

const target = await readTarget(process.env.ACKWIRE_TARGET ?? "");
let opening: Promise<Scene> | undefined;
/** Opened by the first case that needs it; if it does not open, all of them fail with its error. */
const scene: OpenScene = () => {
  opening ??= openScene(target);
  return opening;
};

describe(target.name, { concurrency: CONCURRENT_CASES }, () => {
  administrationCases(target, scene);
  inboundCases(scene);
  requestCases(scene);
  deliveryCases(scene);
  monitoringCases(target);
});

after(async () => {
  const opened = await opening?.catch(() => undefined);
  await opened?.close().catch((error: unknown) => {
    console.error(`The suite could not remove all that it had created: ${error}`);
  });
});
