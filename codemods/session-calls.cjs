/**
 * Rewrites the session of other libraries (`req.session.x`, callbacks) to the methods of Holdfast, for jscodeshift:
 *
 *     npx jscodeshift@17.3.0 -t session-calls.cjs --extensions=js,ts,tsx,mjs --parser=tsx src
 *
 * What it cannot decide gets a comment that begins with `holdfast:`. docs/migrate/codemod.md explains it.
 */
"use strict";

/** Objects that have a session. */
const OWNERS = ["req", "request", "ctx"];
/** Methods that exist here with the same meaning, or whose callbacks are rewritten. */
const METHODS = ["get", "set", "has", "update", "delete", "keys", "take", "toJSON", "authenticate", "setIdleTimeout"];
const WITH_CALLBACK = { save: "save", destroy: "destroy", reload: "reload", regenerate: "reset" };
/** Properties with another meaning here. */
const QUESTIONS = {
  cookie: "cookie attributes of one session: authenticate(id, { idleTimeout, sessionOnly }), or setIdleTimeout(…)",
  touch: "not needed: save() moves the deadline",
  resetMaxAge: "not needed: save() moves the deadline",
  maxAge: "session.setIdleTimeout(…)",
  isNew: "session.fresh",
  isPopulated: "session.keys().length > 0",
  manuallyCommit: "await session.save()",
  updateConfig: "authenticate(id, { idleTimeout })",
};
const REGENERATE =
  "regenerate() emptied the session; at a login write `await session.authenticate(user.id)` instead of reset()";

module.exports = function transform(file, api, options = {}) {
  const j = api.jscodeshift;
  const root = j(file.source);
  const names = String(options.object ?? "")
    .split(",")
    .filter(Boolean);
  let hasChanged = false;

  /** Whether a node is a session: `req.session`, or a variable that was named. */
  const isSession = (node) => {
    if (node?.type === "Identifier") return names.includes(node.name);
    if (!isMember(node) || node.computed || node.property.name !== "session") return false;
    const { object } = node;
    return object.type === "Identifier" && OWNERS.includes(object.name);
  };
  const isMember = (node) => node?.type === "MemberExpression" || node?.type === "OptionalMemberExpression";
  const nameOf = ({ computed, property }) => {
    if (!computed) return property.name;
    return typeof property.value === "string" ? property.value : undefined;
  };
  const call = (session, method, ...args) =>
    j.callExpression(j.memberExpression(session, j.identifier(method)), args);
  const text = (value) => j.stringLiteral(value);
  const change = (path, node) => {
    hasChanged = true;
    j(path).replaceWith(node);
  };

  /** Adds a comment before the statement of a path, once. */
  const ask = (path, message) => {
    let statement = path;
    while (statement.parent && !/Statement$|Declaration$|ClassProperty/.test(statement.node.type))
      statement = statement.parent;
    const line = ` holdfast: ${message}`;
    const comments = (statement.node.comments ??= []);
    if (comments.some(({ value }) => value === line)) return;
    hasChanged = true;
    comments.push(j.commentLine(line, true, false));
  };

  /** Whether the value of an expression is used. */
  const isUsed = (path) => path.parent.node.type !== "ExpressionStatement";
  const parameter = (name) => (/^[A-Za-z_$][\w$]*$/.test(name) && !RESERVED.has(name) ? name : "value");

  // const { user, cart } = req.session
  root.find(j.VariableDeclaration).forEach((path) => {
    const { declarations, kind } = path.node;
    if (!declarations.some(({ id, init }) => id.type === "ObjectPattern" && isSession(init))) return;
    const simple = ({ type, computed, shorthand, key, value }) =>
      type.endsWith("Property") &&
      !computed &&
      (shorthand || value.type === "Identifier") &&
      key.type === "Identifier" &&
      value.type === "Identifier";
    const next = declarations.flatMap((one) => {
      if (one.id.type !== "ObjectPattern" || !isSession(one.init)) return [one];
      if (!one.id.properties.every(simple)) return [one];
      return one.id.properties.map(({ key, value }) =>
        j.variableDeclarator(value, call(one.init, "get", text(key.name))),
      );
    });
    if (next.length === declarations.length && next.every((one, i) => one === declarations[i]))
      return ask(path, "write session.get(…) for each key");
    change(path, j.variableDeclaration(kind, next));
  });

  // Object.assign(req.session, …), req.session[name], for (… in req.session)
  root.find(j.CallExpression).forEach((path) => {
    const { callee, arguments: args } = path.node;
    if (isMember(callee) && callee.object.name === "Object" && args.some(isSession))
      ask(path, "a session has no properties: session.set(…) for each key, session.toJSON(), session.keys()");
  });

  // req.session = null, req.session = {…}
  root.find(j.AssignmentExpression, { operator: "=" }).forEach((path) => {
    const { left, right } = path.node;
    if (!isMember(left) || !isSession(left)) return;
    const isEnd = right.type === "NullLiteral" || right.value === null || right.name === "undefined";
    if (isEnd && !isUsed(path) && becomesAsync(path)) change(path, j.awaitExpression(call(left, "destroy")));
    else
      ask(path, "a session cannot be assigned: await session.destroy(), or await session.reset() and session.set(…)");
  });

  /** Makes the function around a path async; false if there is none. */
  function becomesAsync(path) {
    let scope = path.parent;
    while (scope && !/Function/.test(scope.node.type)) scope = scope.parent;
    if (!scope || (scope.node.type === "ClassMethod" && scope.node.kind !== "method")) return false;
    scope.node.async = true;
    return true;
  }

  // callbacks, the inner ones first
  const calls = root.find(j.CallExpression).paths().reverse();
  calls.forEach((path) => {
    const { callee, arguments: args } = path.node;
    if (!isMember(callee) || callee.computed || !isSession(callee.object)) return;
    const method = callee.property.name;
    if (!Object.hasOwn(WITH_CALLBACK, method)) return;
    if (method === "regenerate") ask(path, REGENERATE);
    const awaited = j.awaitExpression(call(callee.object, WITH_CALLBACK[method]));
    const [callback] = args;
    const isAwaited = path.parent.node.type === "AwaitExpression";
    if (args.length === 0) {
      if (isAwaited) change(path, awaited.argument);
      else if (!isUsed(path) && becomesAsync(path)) change(path, awaited);
      else ask(path, `await session.${WITH_CALLBACK[method]}()`);
      return;
    }
    const body = isUsed(path) ? undefined : inlined(path, callback);
    if (!body || !becomesAsync(path)) return ask(path, `no callback: await session.${WITH_CALLBACK[method]}()`);
    hasChanged = true;
    const { comments } = path.parent.node;
    const first = j.expressionStatement(awaited);
    if (comments) first.comments = comments;
    j(path.parent).replaceWith([first, ...body]);
  });

  /** The statements of a callback, without the line that handles its error; undefined if they cannot be moved. */
  function inlined(path, callback) {
    if (!/Function/.test(callback.type)) return undefined;
    const block = path.parent.parent.node;
    const at = block.body?.indexOf?.(path.parent.node) ?? -1;
    // What follows the call ran before the callback: the order would change.
    if (at < 0 || at !== block.body.length - 1) return undefined;
    if (callback.body.type !== "BlockStatement") return [j.expressionStatement(callback.body)];
    const [error] = callback.params;
    const body = [...callback.body.body];
    if (!error) return body;
    const [first] = body;
    const handles = first?.type === "IfStatement" && first.test.name === error.name && !first.alternate;
    const rest = handles && leaves(first.consequent) ? body.slice(1) : body;
    return j(j.blockStatement(rest)).find(j.Identifier, { name: error.name }).length > 0 ? undefined : rest;
  }

  /** `return next(err)`, `throw err`: as a promise that rejects. */
  function leaves(node) {
    const last = node.type === "BlockStatement" ? node.body.at(-1) : node;
    return last?.type === "ReturnStatement" || last?.type === "ThrowStatement";
  }

  // delete req.session.x
  root.find(j.UnaryExpression, { operator: "delete" }).forEach((path) => {
    const { argument } = path.node;
    if (!isMember(argument) || !isSession(argument.object)) return;
    const name = nameOf(argument);
    const key = name === undefined ? argument.property : text(name);
    if (!isUsed(path)) change(path, call(argument.object, "delete", key));
  });

  // req.session.views++
  root.find(j.UpdateExpression).forEach((path) => {
    const { argument, operator, prefix } = path.node;
    if (!isMember(argument) || !isSession(argument.object)) return;
    const name = nameOf(argument);
    if (name === undefined || (isUsed(path) && !prefix))
      return ask(path, 'session.update("…", (n = 0) => n + 1) returns the new value, not the old one');
    const own = parameter(name);
    const sum = j.binaryExpression(operator[0], j.identifier(own), j.numericLiteral(1));
    const updater = j.arrowFunctionExpression([j.assignmentPattern(j.identifier(own), j.numericLiteral(0))], sum);
    change(path, call(argument.object, "update", text(name), updater));
  });

  // req.session.x = v, += v, ??= v
  root.find(j.AssignmentExpression).forEach((path) => {
    const { left, right, operator } = path.node;
    if (!isMember(left) || !isSession(left.object)) return;
    const name = nameOf(left);
    if (name !== undefined && Object.hasOwn(QUESTIONS, name)) return ask(path, QUESTIONS[name]);
    const key = name === undefined ? left.property : text(name);
    if (operator === "=") {
      if (isUsed(path)) return ask(path, "session.set(…) returns nothing: write it before this line");
      return change(path, call(left.object, "set", key, right));
    }
    const own = j.identifier(parameter(name ?? "value"));
    const binary = operator.slice(0, -1);
    const isLogical = ["??", "||", "&&"].includes(binary);
    const value = isLogical ? j.logicalExpression(binary, own, right) : j.binaryExpression(binary, own, right);
    const isNumber = right.type === "NumericLiteral";
    const param = isNumber && !isLogical ? j.assignmentPattern(own, j.numericLiteral(0)) : own;
    change(path, call(left.object, "update", key, j.arrowFunctionExpression([param], value)));
  });

  // req.session.x
  const reads = (path) => {
    const { node } = path;
    if (!isSession(node.object)) return;
    const name = nameOf(node);
    const isCallee = path.parent.node.callee === node;
    if (name === undefined) {
      if (!isTarget(path)) change(path, call(node.object, "get", node.property));
      return;
    }
    if (Object.hasOwn(QUESTIONS, name)) return ask(path, QUESTIONS[name]);
    if (isCallee && (METHODS.includes(name) || Object.hasOwn(WITH_CALLBACK, name) || name === "reset")) return;
    if (["id", "token", "owner", "fresh", "store"].includes(name) || isTarget(path)) return;
    const session = node.object;
    const read = node.optional
      ? j.optionalCallExpression(
          j.optionalMemberExpression(session, j.identifier("get"), false, true),
          [text(name)],
          false,
        )
      : call(session, "get", text(name));
    change(path, read);
  };
  function isTarget({ node, parent: { node: around } }) {
    if (around.type === "AssignmentExpression") return around.left === node;
    return around.type === "UpdateExpression" || (around.type === "UnaryExpression" && around.operator === "delete");
  }
  root.find(j.MemberExpression).forEach(reads);
  root.find(j.OptionalMemberExpression).forEach(reads);

  // req.sessionID
  root.find(j.MemberExpression, { property: { name: "sessionID" } }).forEach((path) => {
    const { object } = path.node;
    if (object.type !== "Identifier" || !OWNERS.includes(object.name)) return;
    change(path, j.memberExpression(j.memberExpression(object, j.identifier("session")), j.identifier("id")));
  });

  return hasChanged ? root.toSource({ quote: "double" }) : undefined;
};

const RESERVED = new Set(
  (
    "await break case catch class const continue debugger default delete do else enum export extends false finally for " +
    "function if implements import in instanceof interface let new null package private protected public return static " +
    "super switch this throw true try typeof var void while with yield arguments eval"
  ).split(" "),
);
