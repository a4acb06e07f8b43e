import { createServer } from "node:http";
import { closeServer, listen } from "../../local/loopback.ts";
import { makeHttpWebhookPoster } from "../../shared/adapters/http/http-webhook-poster.ts";
import type { WebhookTargets } from "../../shared/contracts/webhook-targets.ts";
import { makeCountingNetwork } from "../support/fakes/counting-network.ts";
import {
  disguisedHosts,
  privateAddresses,
  privateNames,
  publicAddresses,
} from "../support/payloads/address-cases.ts";
import { atLeast, none, type Proof } from "./proof.ts";

const deployed: WebhookTargets = { ports: [443, 8443], allowsLocal: false, refusedPorts: [] };
/** For the endpoint that redirects, which is on this machine. */
const local: WebhookTargets = { ports: [443], allowsLocal: true, refusedPorts: [] };

/** The address to which a name resolves that is allowed to be connected to. */
const PUBLIC = "8.8.8.8";
const redirects = [301, 302, 303, 307, 308];

const hostOf = (address: string) => (address.includes(":") ? `[${address}]` : address);

/** A POST that must not connect to anything but `allowed`. */
interface Case {
  name: string;
  url: string;
  answers?: readonly (readonly string[])[];
  allowed?: readonly string[];
}

/**
 * S1: posts webhooks to private addresses, in every notation and behind names, rebinding names and
 * redirects, and counts the connections that are tried. The network is a stub: nothing is dialled.
 *
 * @param tables the addresses; the defaults are those of `address-cases.ts`
 */
export async function proveSsrf(
  tables: { privates?: readonly string[]; publics?: readonly string[] } = {},
): Promise<Proof> {
  const { privates = privateAddresses, publics = publicAddresses } = tables;
  const literals = [...privates.map(hostOf), ...disguisedHosts, ...privateNames].flatMap((host) =>
    [`https://${host}/`, `https://${host}:8443/hooks?a=b`].map((url): Case => ({ name: url, url })),
  );
  const answers = [...privates, "fe80::1%eth0", "0177.0.0.1", "localhost", ""].flatMap((address) =>
    [[address], [PUBLIC, "2606:4700:4700::1111", address], [address, PUBLIC]].map(
      (answer): Case => ({
        name: `a name with the answer ${answer.join(", ")}`,
        url: "https://hooks.example.com/",
        answers: [answer],
      }),
    ),
  );
  const rebinding = privates.map(
    (address): Case => ({
      name: `a name that is ${PUBLIC} at first and ${address} then`,
      url: "https://rebind.example.com/",
      answers: [[PUBLIC], [address]],
      allowed: [PUBLIC],
    }),
  );
  const found: string[] = [];
  for (const one of [...literals, ...answers, ...rebinding]) found.push(...(await connectsOf(one)));
  const redirected = await followRedirects(privates);
  found.push(...redirected.found);

  const blocks = await falseBlocks(publics);
  const cases = literals.length + answers.length + rebinding.length + redirected.cases;
  return {
    id: "S1",
    title: "No webhook is posted to a private address (SSRF)",
    figures: [
      atLeast(
        "hosts and addresses",
        new Set([...privates, ...disguisedHosts, ...privateNames]).size,
        150,
      ),
      atLeast("cases", cases, 150),
      none("connections to what is not public", found),
      atLeast("public addresses", new Set(publics).size, 50),
      none("public addresses that were refused", blocks),
    ],
  };
}

/** The connections of a case that should not have been tried. */
async function connectsOf({ name, url, answers = [[PUBLIC]], allowed = [] }: Case) {
  const network = makeCountingNetwork(answers);
  const poster = makeHttpWebhookPoster({ targets: deployed, timeoutMs: 5_000, ...network });
  await poster.post({ url, headers: {}, body: "{}" });
  const dialled = network.connects.flatMap(({ options, pinned }) =>
    pinned.length > 0 ? pinned : [options.host ?? ""],
  );
  const wrong = dialled.filter((address) => !allowed.includes(address));
  const again = network.lookups.length > 1 ? ["a second lookup"] : [];
  return [...wrong, ...again].map((what) => `${name}: ${what}`);
}

/** Posts to an endpoint that redirects to each address, in each of the five ways. */
async function followRedirects(privates: readonly string[]) {
  let answer = { status: 307, location: "" };
  const server = createServer((_, response) => {
    response.writeHead(answer.status, { location: answer.location }).end();
  });
  const route = Number((await listen(server, 0)).split(":")[1]);
  const found: string[] = [];
  for (const address of privates) {
    for (const status of redirects) {
      answer = { status, location: `http://${hostOf(address)}/` };
      const network = makeCountingNetwork([[PUBLIC]], route);
      const poster = makeHttpWebhookPoster({ targets: local, timeoutMs: 10_000, ...network });
      const posted = await poster.post({ url: "http://hooks.example.com/", headers: {}, body: "" });
      const pinned = network.connects.flatMap((one) => one.pinned);
      if (posted.httpStatus !== status || pinned.join() !== PUBLIC) {
        found.push(`${status} to ${address}: ${posted.error ?? posted.httpStatus} ${pinned}`);
      }
    }
  }
  await closeServer(server);
  return { cases: privates.length * redirects.length, found };
}

/** The public addresses that are not connected to, as a literal or behind a name. */
async function falseBlocks(publics: readonly string[]): Promise<string[]> {
  const refused: string[] = [];
  for (const address of publics) {
    const urls = [`https://${hostOf(address)}/`, "https://hooks.example.com:8443/"];
    for (const url of urls) {
      const network = makeCountingNetwork([[address]]);
      const poster = makeHttpWebhookPoster({ targets: deployed, timeoutMs: 5_000, ...network });
      const { error } = await poster.post({ url, headers: {}, body: "{}" });
      if (network.connects.length !== 1 || error !== "ECONNREFUSED") {
        refused.push(`${address} at ${url}: ${error}`);
      }
    }
  }
  return refused;
}
