export { Consumer, type ConsumerClass, type ConsumerInit } from "./consumer/consumer.ts";
export { type SendOptions, WebsocketConsumer } from "./consumer/websocket.ts";
export { JsonWebsocketConsumer } from "./consumer/json.ts";
export { HttpConsumer } from "./consumer/http.ts";
export { AcceptConnection, type Denial, DenyConnection, StopConsumer } from "./consumer/control.ts";

// What follows is for those who write applications, transports and layers of their own.

export type { Application, ApplicationLike, ApplicationSource, Receive } from "./protocol/application.ts";
export { asApplicationSymbol, toApplication } from "./protocol/application.ts";
export type { Connection, ConnectionChange } from "./protocol/connection.ts";
export { TransportConnection } from "./protocol/connection.ts";
export type {
  Address,
  ChannelScope,
  HttpScope,
  LifespanScope,
  Params,
  Protocol,
  RequestScope,
  Scope,
  WebsocketScope,
} from "./protocol/scope.ts";
export type * from "./protocol/events.ts";
export type { LayerMessage, LayerValue, MessageFor, MessageOf } from "./protocol/message.ts";
export type { LayerDegraded, LayerEvent, LayerRecovered } from "./protocol/layer-events.ts";
export type { PathParams } from "./protocol/path-params.ts";
export type {
  Channel,
  ChannelCapacity,
  ChannelLayer,
  ChannelLayerOptions,
  GroupSendReport,
  Subscriber,
} from "./protocol/channel-layer.ts";
export { ChannelLayers, getChannelLayer, installChannelLayers } from "./protocol/channel-layers.ts";
export { checkChannelName, checkGroupName, groupName, maxNameLength } from "./protocol/names.ts";
export { type ErrorCode, errorCodes, type ErrorDetails, isMillraceError, MillraceError } from "./protocol/errors.ts";
export { type CloseCode, closeCodes } from "./protocol/close-codes.ts";
export {
  type AsideReason,
  type Diagnostics,
  type DiagnosticsName,
  type DropReason,
  diagnosticsNames,
  subscribeDiagnostics,
} from "./protocol/diagnostics.ts";
export { describeRoutes, type RouteDescription } from "./protocol/description.ts";
export { InMemoryChannelLayer, type InMemoryStats } from "./layers/in-memory.ts";
export { path, rePath, type Route, type RouteOptions } from "./router/route.ts";
export { URLRouter } from "./router/url-router.ts";
export { type ProtocolApplications, ProtocolTypeRouter } from "./router/protocol-type-router.ts";
export { type ChannelApplications, ChannelNameRouter } from "./router/channel-name-router.ts";
export { nodeListener, type NodeListener } from "./router/node-listener.ts";
export { lifespan, type LifespanContext, type LifespanHooks } from "./router/lifespan.ts";
export type { Callable } from "./router/callable.ts";
export type { PathMismatch } from "./router/path-check.ts";
export type { RouteTarget } from "./router/target.ts";
export { wraps } from "./protocol/path-taking.ts";
