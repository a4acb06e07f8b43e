import { API_VERSION, type Components, pathsOf, servers } from "../openapi.ts";
import { operatorOperationList } from "./operations.ts";

/** The OpenAPI 3.1 document of the operator API, as JSON text. */
export function operatorOpenApi(): string {
  return JSON.stringify(operatorDocument());
}

const operatorDescription = `What an operator sees and mends, for all clients: \`/v1/operator/…\`, with keys of its own.

Each operation says in \`x-scope\` which scope its key needs: \`read\`, \`operate\` or \`admin\`, each of which includes those before it. One with \`x-portal\` also takes the token of a portal link, for the link's own client. Every change is a POST and is recorded: who, when, what, why and its outcome.

Answers may get new members in later versions.`;

function operatorDocument() {
  const components: Components = {};
  const paths = pathsOf(operatorOperationList, components, (operation) => ({
    tags: [operatorTagOf(operation)],
    security: [{ operatorKey: [] }, ...(operation.isInPortal ? [{ portalToken: [] }] : [])],
    "x-scope": operation.scope,
    ...(operation.isInPortal ? { "x-portal": true } : {}),
  }));
  return {
    openapi: "3.1.0",
    info: {
      title: "Ackwire, operator API",
      version: API_VERSION,
      description: operatorDescription,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers,
    tags: [...new Set(operatorOperationList.map(operatorTagOf))].map((name) => ({
      name,
      description: `The operations below /v1/operator/ on ${name.toLowerCase()}`,
    })),
    paths,
    components: {
      schemas: components,
      securitySchemes: {
        operatorKey: { type: "http", scheme: "bearer", description: "ackwire_op_<keyId>_<secret>" },
        portalToken: { type: "http", scheme: "bearer", description: "The token of a portal link" },
      },
    },
  };
}

/** The part of the path after the client's, in words. */
function operatorTagOf({ path }: { path: string }): string {
  const parts = path.replace("/clients/{clientId}/", "/").split("/");
  const word = (parts[3] ?? "").replaceAll("-", " ");
  const text = word === "webhook" ? "webhooks" : word;
  return text.charAt(0).toUpperCase() + text.slice(1);
}
