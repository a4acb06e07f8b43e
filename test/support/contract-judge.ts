import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { contractDocuments } from "../../docs/generate.ts";

const documents = contractDocuments();
const documentOf = (name: string) => JSON.parse(documents[name] ?? "{}");
const openApi = documentOf("openapi.json");
const asyncApi = documentOf("asyncapi.json");

const ajv = new Ajv2020({ strict: false, allErrors: true });
(formats as unknown as (of: Ajv2020) => void)(ajv);
ajv.addSchema(openApi, "openapi");
ajv.addSchema(asyncApi, "asyncapi");
ajv.addSchema({ ...documentOf("events.schema.json"), $id: "events" });

/** An answer of the HTTP API. */
export interface Answer {
  method: string;
  path: string;
  status: number;
  contentType: string | null;
  text: string;
}

/** The errors of a value by the schema at this place of a document. */
function errorsAt(document: string, place: readonly string[], value: unknown): object[] {
  const pointer = place.map((part) =>
    encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1")),
  );
  const validate = ajv.compile({ $ref: `${document}#/${pointer.join("/")}` });
  return validate(value) ? [] : (validate.errors ?? []);
}

const segmentsOf = (path: string) => path.split("/").slice(1);
const variables = (path: string) => path.split("{").length;

/** The path of the document that a call matches; literal segments take precedence. */
function pathOf(called: string): string | undefined {
  const segments = segmentsOf(called);
  return Object.keys(openApi.paths)
    .filter((path) => {
      const parts = segmentsOf(path);
      return (
        parts.length === segments.length &&
        parts.every((part, n) => part.startsWith("{") || part === segments[n])
      );
    })
    .toSorted((a, b) => variables(a) - variables(b))[0];
}

/** What is wrong with an answer by the OpenAPI document; empty: nothing. */
export function faultsOfAnswer({ method, path, status, contentType, text }: Answer): unknown[] {
  // The path of earlier versions has the answer of the documented one.
  const found = pathOf(path.replace("/v1/deliveries/recover/", "/v1/recoveries/"));
  const verb = method.toLowerCase();
  const operation = found && openApi.paths[found][verb];
  // The document's own description: a path or method that is not in it has a problem document.
  if (!operation) {
    return status === 404 || status === 405
      ? errorsAt("openapi", ["components", "schemas", "Problem"], JSON.parse(text))
      : [`${method} ${path} is not in the document`];
  }
  const { responses } = operation;
  const key = responses[status] ? String(status) : "default";
  if (!responses[key]) return [`${method} ${found} has no ${status}`];
  const { content } = responses[key];
  if (content === undefined) return text === "" ? [] : ["a body where there is none"];
  const [type = ""] = (contentType ?? "").split(";");
  if (!content[type]) return [`${method} ${found} ${status} has no ${type}`];
  const place = ["paths", found, verb, "responses", key, "content", type, "schema"];
  return errorsAt("openapi", place, JSON.parse(text));
}

/** What is wrong with a message of the bus, as EventBridge sends it. */
export function faultsOfBusMessage(message: { detail: { type: string; clientId?: string } }) {
  const { clientId: _, ...envelope } = message.detail;
  return [
    ...errorsAt(
      "asyncapi",
      ["components", "messages", `bus.${message.detail.type}`, "payload"],
      message,
    ),
    ...errorsAt("events", ["$defs", message.detail.type], envelope),
  ];
}

/** What is wrong with the `detail` of an operator action on the bus. */
export function faultsOfOperatorAction(detail: object) {
  const place = ["bus.operator.action", "payload", "properties", "detail"];
  return errorsAt("asyncapi", ["components", "messages", ...place], detail);
}

/** What is wrong with a delivered webhook, in either format. */
export function faultsOfWebhook({ headers, body }: { headers: object; body: string }) {
  const payload = JSON.parse(body);
  const name = `webhook.${payload.type ?? "WeLinkPayload"}`;
  const message = ["components", "messages", name];
  return [
    ...errorsAt("asyncapi", [...message, "payload"], payload),
    ...errorsAt("asyncapi", [...message, "headers"], headers),
    ...errorsAt(
      "openapi",
      ["webhooks", "delivery", "post", "requestBody", "content", "application/json", "schema"],
      payload,
    ),
  ];
}

/** Records each answer of this API to a `fetch` of this process, inbound webhooks excepted. */
export function recordAnswers(apiUrl: string) {
  const answers: Answer[] = [];
  const { fetch } = globalThis;
  globalThis.fetch = async (input, init) => {
    const response = await fetch(input, init);
    const { origin, pathname } = new URL(input instanceof Request ? input.url : input);
    if (origin !== apiUrl || pathname.startsWith("/v1/in/")) return response;
    answers.push({
      method: init?.method ?? "GET",
      path: pathname,
      status: response.status,
      contentType: response.headers.get("content-type"),
      text: await response.clone().text(),
    });
    return response;
  };
  const stop = () => {
    globalThis.fetch = fetch;
  };
  return { answers, stop };
}
