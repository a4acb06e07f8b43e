import { createContext, type ReactNode, use } from "react";
import type { Answer } from "./call.ts";

export type Me = Answer<"GET /v1/operator/me">;

const MeContext = createContext<Me | undefined>(undefined);

export function MeProvider({ me, children }: { me: Me; children: ReactNode }) {
  return <MeContext value={me}>{children}</MeContext>;
}

/** Who looks at the page. Only within the signed-in part. */
export function useMe(): Me {
  const me = use(MeContext);
  if (me === undefined) throw new Error("No one is signed in");
  return me;
}

const order = ["read", "operate", "admin"] as const;

/** Whether the caller's key may do what needs this scope. A portal link may do nothing that needs one. */
export function useMay(scope: (typeof order)[number]): boolean {
  const me = useMe();
  return me.scope !== undefined && order.indexOf(me.scope) >= order.indexOf(scope);
}

/** Restricts what is listed to the client of a portal link. */
export function useOfClient(): { clientId?: string } {
  const { kind, clientId } = useMe();
  return kind === "portal" && clientId !== undefined ? { clientId } : {};
}
