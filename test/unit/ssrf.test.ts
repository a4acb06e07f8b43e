import { createServer } from "node:http";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { closeServer, listen } from "../../local/loopback.ts";
import { makeHttpWebhookPoster } from "../../shared/adapters/http/http-webhook-poster.ts";
import type { WebhookTargets } from "../../shared/contracts/webhook-targets.ts";
import { isPublicAddress } from "../../shared/core/deliveries/webhooks/public-address.ts";
import { targetUrlProblem } from "../../shared/core/deliveries/webhooks/target-url.ts";
import { makeCountingNetwork } from "../support/fakes/counting-network.ts";
import { makeLoopbackCertificate } from "../support/fakes/loopback-certificate.ts";
import {
  disguisedHosts,
  privateAddresses,
  privateNames,
  publicAddresses,
} from "../support/payloads/address-cases.ts";

const deployed: WebhookTargets = { ports: [443, 8443], allowsLocal: false, refusedPorts: [] };
const local: WebhookTargets = { ports: [443], allowsLocal: true, refusedPorts: [4566, 80] };

let opened = new AsyncDisposableStack();
afterEach(async () => {
  await opened.disposeAsync();
  opened = new AsyncDisposableStack();
});

/** Returns the outcome of one POST and the connections that it made. */
async function postTo(
  url: string,
  {
    answers = [["8.8.8.8"]],
    targets = deployed,
    route,
    lambdaRuntimeApi,
  }: {
    answers?: readonly (readonly string[])[];
    targets?: WebhookTargets;
    route?: number;
    lambdaRuntimeApi?: string;
  } = {},
) {
  const network = makeCountingNetwork(answers, route);
  const poster = makeHttpWebhookPoster({ targets, timeoutMs: 5_000, lambdaRuntimeApi, ...network });
  const posted = await poster.post({ url, headers: { "content-type": "x/y" }, body: "{}" });
  return { ...posted, ...network };
}

const hostOfAddress = (address: string) => (address.includes(":") ? `[${address}]` : address);
const refused = { error: "ADDRESS_REFUSED", connects: [] };

describe("no private address is connected to (G10)", () => {
  const hosts = [...privateAddresses.map(hostOfAddress), ...disguisedHosts, ...privateNames];

  test("the tables of test addresses have the documented size", () => {
    expect(new Set([...hosts, ...privateAddresses]).size).toBeGreaterThan(150);
    expect(new Set(publicAddresses).size).toBeGreaterThanOrEqual(50);
  });

  test.each(hosts)(
    "no connection is made to a private address in a URL: %s (G10)",
    async (host) => {
      for (const url of [`https://${host}/`, `https://${host}:8443/hooks?a=b`]) {
        expect(targetUrlProblem(url, deployed), url).toMatch(/^[^\n]{10,}$/);
        expect(await postTo(url), url).toMatchObject({ ...refused, lookups: [] });
      }
    },
  );

  test.each(hosts)(
    "no connection is made to a private address if loopback is allowed: %s (G10)",
    async (host) => {
      const plain = ["127.0.0.1", "[::1]", "localhost", "LOCALHOST"].includes(host);
      expect(targetUrlProblem(`http://${host}:9/`, local) === undefined).toBe(plain);
      if (!plain)
        expect(await postTo(`http://${host}:9/`, { targets: local })).toMatchObject(refused);
    },
  );

  test.each([
    ...privateAddresses,
    "fe80::1%eth0",
    "2606:4700:4700::1111%1",
    "0177.0.0.1",
    "localhost",
    "",
  ])("no connection is made to a private address behind a name: %s (G10)", async (address) => {
    for (const targets of [deployed, local]) {
      for (const answer of [[address], ["8.8.8.8", "2606:4700:4700::1111", address]]) {
        const posted = await postTo("https://hooks.example.com/", { answers: [answer], targets });
        expect(posted).toMatchObject({ ...refused, lookups: ["hooks.example.com"] });
      }
    }
  });

  test.each(privateAddresses)(
    "no connection is made to a private address to which a name resolves at the time of the connection: %s (G10)",
    async (address) => {
      const answers = [["8.8.8.8"], [address]];
      const posted = await postTo("https://rebind.example.com/", { answers });
      expect(posted.lookups).toHaveLength(1);
      expect(posted.connects.map(({ pinned }) => pinned)).toEqual([["8.8.8.8"]]);
    },
  );

  test.each(privateAddresses)(
    "no connection is made to a private address to which a redirect points: %s (G10)",
    async (address) => {
      const server = createServer((_, response) => {
        response.writeHead(307, { location: `http://${hostOfAddress(address)}/` }).end();
      });
      const port = Number((await listen(server, 0)).split(":")[1]);
      opened.defer(() => closeServer(server));
      const posted = await postTo("http://hooks.example.com/", { targets: local, route: port });
      expect(posted).toMatchObject({ httpStatus: 307, lookups: ["hooks.example.com"] });
      expect(posted.connects.map(({ pinned }) => pinned)).toEqual([["8.8.8.8"]]);
    },
  );
});

describe("public addresses are accepted", () => {
  test.each(publicAddresses)("the public address %s is accepted", async (address) => {
    expect(isPublicAddress(address)).toBe(true);
    const literal = await postTo(`https://${hostOfAddress(address)}/`);
    expect(literal).toMatchObject({ error: "ECONNREFUSED", lookups: [] });
    expect(literal.connects).toMatchObject([{ options: { host: address, port: 443 } }]);
    const named = await postTo("https://hooks.example.com:8443/", { answers: [[address]] });
    expect(named.error).toBe("ECONNREFUSED");
    expect(named.connects).toMatchObject([{ pinned: [address], options: { port: 8443 } }]);
  });
});

describe("the reason for which a URL is refused", () => {
  test.each([
    ["http://example.com/", "must be https; got http"],
    ["ftp://example.com/", "must be https; got ftp"],
    ["file:///etc/passwd", "must be https; got file"],
    ["gopher://example.com/", "must be https; got gopher"],
    ["https://example.com:22/", "port 22 is not allowed: 443, 8443"],
    ["https://example.com:0/", "port 0 is not allowed: 443, 8443"],
    ["https://user@example.com/", "contains a user name or password"],
    ["https://:secret@example.com/", "contains a user name or password"],
    ["https://@example.com/", "contains a user name or password"],
    ["https://example.com@10.0.0.1/", "contains a user name or password"],
    ["https://10.0.0.1/", "10.0.0.1 is not a public address"],
    ["https://0x7f.1/", "127.0.0.1 is not a public address"],
    ["https://[::ffff:127.0.0.1]/", "::ffff:7f00:1 is not a public address"],
    ["https://localhost/", "localhost is not a public name"],
    ["https://intranet/", "intranet is not a public name"],
    ["https://router/", "router is not a full name such as hooks.example.com"],
    ["https://a$b.example.com/", "a$b.example.com is not a full name such as hooks.example.com"],
    ["https://example.com/#part", "contains a fragment, which is never sent"],
    ["https://example.com/#", "contains a fragment, which is never sent"],
    ["https:example.com", "has no host after //"],
    ["https:///example.com", "has no host after //"],
    ["https:\\\\example.com", "contains a space, a control character or a backslash"],
    ["https://example.com\\@10.0.0.1/", "contains a space, a control character or a backslash"],
    ["https://exa\tmple.com/", "contains a space, a control character or a backslash"],
    [" https://example.com/", "contains a space, a control character or a backslash"],
    ["https://", "must be a URL with a host, such as https://example.com/hooks"],
    ["https://[fe80::1%25eth0]/", "must be a URL with a host, such as https://example.com/hooks"],
    ["https://1.2.3.256/", "must be a URL with a host, such as https://example.com/hooks"],
    ["example.com/hooks", "must be a URL with a host, such as https://example.com/hooks"],
    ["", "must be a URL with a host, such as https://example.com/hooks"],
    [`https://example.com/${"x".repeat(2_029)}`, "must have at most 2,048 characters"],
  ])("the URL %j is refused: %s", async (url, problem) => {
    expect(targetUrlProblem(url, deployed)).toBe(problem);
    expect(await postTo(url)).toMatchObject({ ...refused, lookups: [] });
  });

  test.each([
    "https://example.com",
    "https://EXAMPLE.com:443/hooks?a=b@c",
    "https://hooks.example.co.uk:8443/a/b",
    "https://bücher.example/",
    "https://xn--bcher-kva.example/",
    "https://my_host.example.com/",
    "https://localhost.example.com/",
    "https://internal.example.com/",
    "https://example.com./",
    `https://example.com/${"x".repeat(2_028)}`,
  ])("the refusal of %s repeats no part of it", (url) => {
    expect(targetUrlProblem(url, deployed)).toBeUndefined();
  });
});

describe("characters that are not shown", () => {
  test.each([
    ["a soft hyphen", "https://exam\u00adple.com/"],
    ["a zero-width space", "https://exam\u200bple.com/"],
    ["a word joiner", "https://exam\u2060ple.com/"],
  ])("a host with %s is taken, and is parsed to the host that is shown", (_name, url) => {
    expect(targetUrlProblem(url, deployed)).toBeUndefined();
    expect(new URL(url).href).toBe("https://example.com/");
  });

  test("characters of a path that change the direction of writing are escaped when the URL is parsed", () => {
    const url = "https://example.com/\u202eskooh";
    expect(targetUrlProblem(url, deployed)).toBeUndefined();
    expect(new URL(url).href).toBe("https://example.com/%E2%80%AEskooh");
  });

  test("a URL that is too long once its characters are escaped is refused", () => {
    const url = `https://example.com/${"ü".repeat(1_000)}`;
    expect(targetUrlProblem(url, deployed)).toMatch(/2,048/);
  });
});

describe("in a local run", () => {
  test.each([
    "http://127.0.0.1:9000/hooks",
    "http://[::1]:9000/",
    "http://localhost:9000",
    "http://LocalHost:9000",
    "https://127.0.0.1:4567",
    "http://example.com:22/",
    "https://example.com:4566/",
  ])("a local run allows %s", (url) => {
    expect(targetUrlProblem(url, local)).toBeUndefined();
  });

  test.each([
    "http://127.0.0.1:4566/",
    "http://[::1]:4566/",
    "http://localhost:4566/",
    "http://LOCALHOST:04566/",
    "http://localhost/",
    "http://127.0.0.1:80/",
    ...["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost.", "[::ffff:127.0.0.1]"].map(
      (host) => `http://${host}:4566/`,
    ),
    ...["0.0.0.0", "127.0.0.2", "[::]", "[::127.0.0.1]", "a.localhost"].map(
      (host) => `http://${host}:4566/`,
    ),
  ])("a local run does not allow its own port: %s", async (url) => {
    expect(targetUrlProblem(url, local)).toMatch(/own$|^must write|not a public/);
    expect(await postTo(url, { targets: local, answers: [["127.0.0.1"]] })).toMatchObject(refused);
  });

  test.each(["127.0.0.1", "localhost", "[::1]", "127.1", "0x7f.1", "localhost."])(
    "the Lambda runtime API is refused: %s",
    async (host) => {
      const asked = {
        targets: local,
        answers: [["127.0.0.1"]],
        lambdaRuntimeApi: "127.0.0.1:9001",
      };
      expect(await postTo(`http://${host}:9001/2018-06-01/`, asked)).toMatchObject(refused);
    },
  );

  test("localhost resolves to loopback addresses only, and no other name may", async () => {
    const asked = (url: string, ...answer: string[]) =>
      postTo(url, { targets: local, answers: [answer] });
    const posted = await asked("http://localhost:9/", "::1", "127.0.0.1");
    expect(posted.connects).toMatchObject([{ pinned: ["::1", "127.0.0.1"] }]);
    expect(await asked("http://localhost:9/", "10.0.0.1")).toMatchObject(refused);
    expect(await asked("http://localhost:9/", "8.8.8.8")).toMatchObject(refused);
    expect(await asked("http://example.com:4566/", "127.0.0.1")).toMatchObject(refused);
  });
});

describe("a name", () => {
  test("a name is looked up once, and the connection uses only these addresses", async () => {
    const answer = ["2606:4700:4700::1111", "1.1.1.1", "1.0.0.1"];
    const { lookups, connects } = await postTo("https://hooks.example.com/", { answers: [answer] });
    expect(lookups).toEqual(["hooks.example.com"]);
    expect(connects.map(({ pinned }) => pinned)).toEqual([answer]);
  });

  test.each([
    ["has no address", async () => [], "NAME_NOT_FOUND"],
    ["is not known", () => fails("ENOTFOUND"), "NAME_NOT_FOUND"],
    ["cannot be looked up", () => fails("EAI_AGAIN"), "EAI_AGAIN"],
    ["is never answered", () => new Promise<never>(() => undefined), "TIMEOUT"],
    ["fails without a code", () => Promise.reject(new Error("to 10.0.0.1")), "FAILED"],
  ])("a name that %s fails with its error code", async (_, lookup, error) => {
    const network = { ...makeCountingNetwork([]), lookup };
    const poster = makeHttpWebhookPoster({ targets: deployed, timeoutMs: 100, ...network });
    const posted = await poster.post({ url: "https://a.example.com/", headers: {}, body: "" });
    expect(posted).toEqual({ error, durationMs: expect.any(Number) });
    expect(network.connects).toEqual([]);
  });

  test("the name of a URL is the TLS server name, and the certificate must be valid for it", async () => {
    const names: (string | undefined)[] = [];
    const server = createTlsServer({
      ...makeLoopbackCertificate(),
      SNICallback(name, done) {
        names.push(name);
        done(null);
      },
    });
    server.on("secureConnection", (socket: TLSSocket) => socket.on("error", () => undefined));
    server.on("tlsClientError", () => undefined);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    opened.defer(() => new Promise<void>((resolve) => void server.close(() => resolve())));
    const address = server.address();
    const route = typeof address === "object" ? (address?.port ?? 0) : 0;
    const { error } = await postTo("https://hooks.example.com/", { route });
    expect(error).toBe("DEPTH_ZERO_SELF_SIGNED_CERT");
    expect(names).toEqual(["hooks.example.com"]);
  });

  test("the name of a URL is sent as the Host header, with the port", async () => {
    const hosts: unknown[] = [];
    const server = createServer((incoming, response) => {
      hosts.push(incoming.headers.host);
      response.end();
    });
    const route = Number((await listen(server, 0)).split(":")[1]);
    opened.defer(() => closeServer(server));
    await postTo("http://hooks.example.com/", { targets: local, route });
    await postTo("http://hooks.example.com:8080/", { targets: local, route });
    expect(hosts).toEqual(["hooks.example.com", "hooks.example.com:8080"]);
  });
});

const fails = (code: string) => Promise.reject(Object.assign(new Error("x"), { code }));
