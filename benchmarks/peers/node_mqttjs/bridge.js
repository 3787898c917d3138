// The same in Node.js: `net` for the terminals, mqtt.js for the broker. A plain bridge, as short as the one in asyncio.

import { createHash, randomBytes } from "node:crypto";
import net from "node:net";
import process from "node:process";
import mqtt from "mqtt";

const [HEARTBEAT, REQUEST, RESPONSE] = [1, 3, 4];
const HEADER_BYTES = 20;
const MAGIC = "P3K0eikSRSJHliME";
const FIELDS = {
  person_id: "personId",
  person_name: "fullName",
  person_type: "type",
  face_id: "faceId",
  id_number: "idNum",
  card_number: "icNum",
  score: "score",
  body_temperature: "bodyTemp",
  result: "result",
};

const [terminalPort, brokerPort] = process.argv.slice(2).map(Number);
const client = mqtt.connect(`mqtt://127.0.0.1:${brokerPort}`, { protocolVersion: 5, clientId: "peer" });
const terminals = new Map();
const secrets = new Map();
const waiting = new Map();
let commandSequence = 0;

const sign = (...parts) => createHash("md5").update(parts.join("") + MAGIC).digest("hex");

function frame(kind, sequence, body, version = 2) {
  const encoded = body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body));
  const whole = Buffer.allocUnsafe(HEADER_BYTES + encoded.length);
  whole.write("QYZN", 0, "latin1");
  whole.writeUInt32LE(version | (kind << 8) | (1 << 16), 4);
  whole.writeUInt32LE(Math.floor(Date.now() / 1000), 8);
  whole.writeUInt32LE(sequence, 12);
  whole.writeUInt32LE(encoded.length, 16);
  encoded.copy(whole, HEADER_BYTES);
  return whole;
}

const publish = (topic, payload, options = {}) =>
  new Promise((resolve, reject) => client.publish(topic, payload, { qos: 1, ...options }, (error) => (error ? reject(error) : resolve())));

async function publishEvent(serial, sequence, data) {
  const eventId = `${serial}-${sequence}`;
  const options = { properties: { userProperties: { event_id: eventId, device_id: serial } } };
  const jpeg = data.snapPic ? Buffer.from(data.snapPic, "base64") : null;
  const topic = jpeg ? `qyzn/${serial}/image/recognition` : null;
  const event = {
    event_id: eventId,
    event_type: data.result === 1 ? "matched" : "unmatched",
    device_id: serial,
    device_name: serial,
    time: new Date(data.snaptime.replace(" ", "T")).toISOString(),
    received_at: new Date().toISOString(),
    sequence,
    replay: false,
  };
  for (const [name, theirs] of Object.entries(FIELDS)) event[name] = data[theirs] ?? null;
  Object.assign(event, { image: topic, image_bytes: jpeg ? jpeg.length : null });
  const publishing = jpeg ? [publish(topic, jpeg, options)] : [];
  publishing.push(publish(`qyzn/${serial}/event/recognition`, JSON.stringify(event), options));
  await Promise.all(publishing);
  return { result: 0, data: { snaptime: data.snaptime } };
}

function identify(connection, message, data) {
  if (message === "register" && data.sign === sign(data.serial, data.mac, data.timestamp)) {
    const [uuid, passwd] = [randomBytes(16).toString("hex"), randomBytes(8).toString("hex")];
    secrets.set(uuid, { serial: data.serial, passwd });
    return { result: 0, data: { uuid, passwd } };
  }
  const known = secrets.get(data.uuid);
  if (message !== "login" || !known || data.sign !== sign(data.uuid, known.passwd, data.timestamp)) return { result: 106, data: {} };
  connection.serial = known.serial;
  terminals.set(known.serial, connection);
  publish(`qyzn/${known.serial}/availability`, "online", { retain: true });
  return { result: 0, data: {} };
}

async function actOn(connection, version, kind, sequence, body) {
  if (kind === HEARTBEAT) {
    connection.write(frame(HEARTBEAT, 0));
  } else if (kind === RESPONSE) {
    const key = `${connection.serial}/${sequence}`;
    waiting.get(key)?.(JSON.parse(body));
    waiting.delete(key);
  } else if (kind === REQUEST) {
    const { message, data } = JSON.parse(body);
    const answer =
      message === "snapshot_face" ? await publishEvent(connection.serial, sequence, data) : identify(connection, message, data);
    connection.write(frame(RESPONSE, sequence, { message, desc: "success", ...answer }, version));
  }
}

function serve(connection) {
  let parts = [];
  let have = 0;
  let wanted = HEADER_BYTES;
  connection.setNoDelay(true);
  connection.on("error", () => connection.destroy());
  connection.on("data", (chunk) => {
    parts.push(chunk);
    have += chunk.length;
    if (have < wanted) return;
    const data = parts.length === 1 ? chunk : Buffer.concat(parts, have);
    let start = 0;
    while (data.length - start >= (wanted = HEADER_BYTES) && data.length - start >= (wanted += data.readUInt32LE(start + 16))) {
      const body = data.subarray(start + HEADER_BYTES, start + wanted);
      actOn(connection, data[start + 4], data[start + 5], data.readUInt32LE(start + 12), body);
      start += wanted;
    }
    parts = start < data.length ? [data.subarray(start)] : [];
    have = data.length - start;
  });
}

client.on("message", async (topic) => {
  const serial = topic.split("/")[1];
  const connection = terminals.get(serial);
  if (!connection) return;
  const sequence = ++commandSequence;
  const answered = new Promise((resolve) => waiting.set(`${serial}/${sequence}`, resolve));
  connection.write(frame(REQUEST, sequence, { message: "open_door", data: {} }));
  const { result, data } = await answered;
  const response = { status: "ok", command: "open_door", device_id: serial, result, data };
  publish(`qyzn/${serial}/response/open_door`, JSON.stringify(response));
});

client.once("connect", async () => {
  client.stream.setNoDelay(true);
  await client.subscribeAsync("qyzn/+/command/open_door", { qos: 1 });
  net.createServer(serve).listen({ port: terminalPort, host: "127.0.0.1", backlog: 1024 }, () => console.log("ready"));
});
