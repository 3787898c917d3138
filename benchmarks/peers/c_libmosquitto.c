/* The same in C: epoll for the terminals, libmosquitto for the broker. As fast as such a bridge gets on one core, and no more than a sketch:
 * it believes every sign, finds fields of JSON by their names, and gives up where something does not fit into a socket's buffer. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <netinet/tcp.h>
#include <search.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEARTBEAT = 1, REQUEST = 3, RESPONSE = 4, HEADER_BYTES = 20, READ_BYTES = 256 * 1024, MOST_TERMINALS = 20000, MOST_OPEN = 65536 };

struct header {
    char magic[4];
    uint8_t version, kind, data_type, reserved;
    uint32_t timestamp, sequence, size;
} __attribute__((packed));

struct terminal {
    int fd;
    char serial[40];
    uint8_t *in;
    size_t have, room;
};

struct event { /* waits for its PUBACKs */
    struct terminal *terminal;
    uint32_t sequence;
    int left;
    uint8_t version;
    char snaptime[32];
};

struct span {
    const char *start;
    size_t size;
};

static struct mosquitto *broker;
static struct terminal *by_fd[MOST_OPEN];
static struct event *waiting[65536]; /* by packet identifier */
static char serials[MOST_TERMINALS][40];
static int registered;
static uint32_t command_sequence;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void say(struct terminal *terminal, uint8_t version, uint8_t kind, uint32_t sequence, const char *body, size_t size) {
    char frame[1024];
    struct header header = {{'Q', 'Y', 'Z', 'N'}, version, kind, 1, 0, (uint32_t)time(NULL), sequence, (uint32_t)size};
    memcpy(frame, &header, HEADER_BYTES);
    memcpy(frame + HEADER_BYTES, body, size);
    if (terminal->fd >= 0 && send(terminal->fd, frame, HEADER_BYTES + size, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
        fail("send");
}

/* The value of a field as it stands there, quotes and all; empty when there is none. */
static struct span value(struct span body, const char *name) {
    char key[48];
    int size = snprintf(key, sizeof key, "\"%s\":", name);
    const char *end = body.start + body.size, *at = memmem(body.start, body.size, key, size);
    if (at == NULL)
        return (struct span){NULL, 0};
    at += size;
    while (at < end && *at == ' ')
        at++;
    const char *stop = at < end && *at == '"' ? memchr(at + 1, '"', end - at - 1) : NULL;
    if (stop != NULL)
        return (struct span){at, stop + 1 - at};
    size_t length = strcspn(at, ",}]");
    return (struct span){at, length};
}

static void copy_text(struct span body, const char *name, char *target, size_t room) {
    struct span found = value(body, name);
    size_t size = found.size < 2 ? 0 : found.size - 2 < room - 1 ? found.size - 2 : room - 1;
    if (size)
        memcpy(target, found.start + 1, size);
    target[size] = 0;
}

static size_t decode_base64(struct span text, uint8_t *target) {
    static int8_t table[256];
    if (!table['B'])
        for (int each = 0; each < 64; each++)
            table[(uint8_t)"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[each]] = each;
    const uint8_t *at = (const uint8_t *)text.start;
    uint8_t *to = target;
    for (size_t left = text.size / 4; left; left--, at += 4, to += 3) {
        uint32_t bits = table[at[0]] << 18 | table[at[1]] << 12 | table[at[2]] << 6 | table[at[3]];
        to[0] = bits >> 16, to[1] = bits >> 8, to[2] = bits;
    }
    while (text.size && text.start[--text.size] == '=')
        to--;
    return to - target;
}

static int publish(const char *topic, const void *payload, size_t size, bool retain, const char *event_id, const char *serial) {
    mosquitto_property *properties = NULL;
    int identifier = 0;
    if (event_id != NULL) {
        mosquitto_property_add_string_pair(&properties, MQTT_PROP_USER_PROPERTY, "event_id", event_id);
        mosquitto_property_add_string_pair(&properties, MQTT_PROP_USER_PROPERTY, "device_id", serial);
    }
    if (mosquitto_publish_v5(broker, &identifier, topic, size, payload, 1, retain, properties) != MOSQ_ERR_SUCCESS)
        fail("mosquitto_publish_v5");
    mosquitto_property_free_all(&properties);
    return identifier;
}

static void append(char *json, size_t *size, const char *name, struct span found) {
    if (found.size == 0)
        found = (struct span){"null", 4};
    *size += sprintf(json + *size, ",\"%s\":%.*s", name, (int)found.size, found.start);
}

static void publish_event(struct terminal *terminal, struct header *header, struct span body) {
    static const char *const names[][2] = {{"person_id", "personId"}, {"person_name", "fullName"}, {"person_type", "type"},
                                           {"face_id", "faceId"},     {"id_number", "idNum"},      {"card_number", "icNum"},
                                           {"score", "score"},        {"body_temperature", "bodyTemp"}, {"result", "result"}};
    static uint8_t picture[8 << 20];
    struct event *event = calloc(1, sizeof *event);
    event->terminal = terminal, event->sequence = header->sequence, event->version = header->version, event->left = 1;
    copy_text(body, "snaptime", event->snaptime, sizeof event->snaptime);
    char topic[128], image[136] = "null", id[64], json[4096], received[64];
    snprintf(id, sizeof id, "%s-%u", terminal->serial, header->sequence);
    struct span base64 = value(body, "snapPic");
    size_t picture_bytes = 0;
    if (base64.size > 2) {
        picture_bytes = decode_base64((struct span){base64.start + 1, base64.size - 2}, picture);
        snprintf(topic, sizeof topic, "qyzn/%s/image/recognition", terminal->serial);
        snprintf(image, sizeof image, "\"%s\"", topic);
        event->left = 2;
        waiting[publish(topic, picture, picture_bytes, false, id, terminal->serial)] = event;
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    strftime(received, sizeof received, "%Y-%m-%dT%H:%M:%S", localtime(&now.tv_sec));
    size_t size = sprintf(json, "{\"event_id\":\"%s\",\"event_type\":\"matched\",\"device_id\":\"%s\",\"device_name\":\"%s\"", id, terminal->serial,
                          terminal->serial);
    size += sprintf(json + size, ",\"time\":\"%.10sT%s+00:00\",\"received_at\":\"%s.%03ld+00:00\",\"sequence\":%u,\"replay\":false",
                    event->snaptime, event->snaptime + 11, received, now.tv_nsec / 1000000, header->sequence);
    for (size_t each = 0; each < sizeof names / sizeof *names; each++)
        append(json, &size, names[each][0], value(body, names[each][1]));
    size += sprintf(json + size, ",\"image\":%s,\"image_bytes\":%zu}", image, picture_bytes);
    snprintf(topic, sizeof topic, "qyzn/%s/event/recognition", terminal->serial);
    waiting[publish(topic, json, size, false, id, terminal->serial)] = event;
}

static void acknowledged(struct mosquitto *client, void *context, int identifier, int reason, const mosquitto_property *properties) {
    struct event *event = waiting[identifier];
    (void)client, (void)context, (void)properties;
    waiting[identifier] = NULL;
    if (event == NULL || reason >= 128 || --event->left)
        return;
    char body[256];
    int size = sprintf(body, "{\"message\":\"snapshot_face\",\"result\":0,\"desc\":\"success\",\"data\":{\"snaptime\":\"%s\"}}", event->snaptime);
    say(event->terminal, event->version, RESPONSE, event->sequence, body, size);
    free(event);
}

static void identify(struct terminal *terminal, struct header *header, struct span body, bool is_new) {
    char answer[256], topic[128], uuid[40];
    if (is_new) {
        copy_text(body, "serial", serials[registered], sizeof serials[registered]);
        int size = sprintf(answer, "{\"message\":\"register\",\"result\":0,\"desc\":\"success\",\"data\":{\"uuid\":\"%d\",\"passwd\":\"none\"}}", registered++);
        say(terminal, header->version, RESPONSE, header->sequence, answer, size);
        return;
    }
    copy_text(body, "uuid", uuid, sizeof uuid);
    strcpy(terminal->serial, serials[atoi(uuid)]);
    ENTRY *found = hsearch((ENTRY){serials[atoi(uuid)], terminal}, ENTER);
    if (found == NULL)
        fail("hsearch");
    found->data = terminal;
    snprintf(topic, sizeof topic, "qyzn/%s/availability", terminal->serial);
    publish(topic, "online", 6, true, NULL, NULL);
    int size = sprintf(answer, "{\"message\":\"login\",\"result\":0,\"desc\":\"success\",\"data\":{}}");
    say(terminal, header->version, RESPONSE, header->sequence, answer, size);
}

static void act_on(struct terminal *terminal, struct header *header, struct span body) {
    struct span message = value((struct span){body.start, body.size < 64 ? body.size : 64}, "message");
    if (header->kind == HEARTBEAT)
        say(terminal, 2, HEARTBEAT, 0, "", 0);
    else if (header->kind == REQUEST && !strncmp(message.start, "\"snapshot_face\"", 15))
        publish_event(terminal, header, body);
    else if (header->kind == REQUEST)
        identify(terminal, header, body, !strncmp(message.start, "\"register\"", 10));
    else if (header->kind == RESPONSE) {
        char topic[128], json[256];
        struct span result = value(body, "result");
        snprintf(topic, sizeof topic, "qyzn/%s/response/open_door", terminal->serial);
        int size = sprintf(json, "{\"status\":\"ok\",\"command\":\"open_door\",\"device_id\":\"%s\",\"result\":%.*s}", terminal->serial, (int)result.size, result.start);
        publish(topic, json, size, false, NULL, NULL);
    }
}

static void read_terminal(struct terminal *terminal) {
    if (terminal->room - terminal->have < READ_BYTES / 4) {
        terminal->room = terminal->room ? terminal->room * 2 : READ_BYTES / 2;
        terminal->in = realloc(terminal->in, terminal->room);
    }
    ssize_t size = recv(terminal->fd, terminal->in + terminal->have, terminal->room - terminal->have - 1, 0);
    if (size < 0 && errno == EAGAIN)
        return;
    if (size <= 0) { /* what waits for a PUBACK may still speak of it */
        close(terminal->fd);
        terminal->fd = -1;
        free(terminal->in);
        terminal->in = NULL;
        return;
    }
    terminal->have += size;
    size_t start = 0;
    while (terminal->have - start >= HEADER_BYTES) {
        struct header *header = (struct header *)(terminal->in + start);
        if (terminal->have - start < HEADER_BYTES + header->size)
            break;
        act_on(terminal, header, (struct span){(char *)(header + 1), header->size});
        start += HEADER_BYTES + header->size;
    }
    memmove(terminal->in, terminal->in + start, terminal->have -= start);
    if (terminal->have == 0) { /* thousands are idle */
        free(terminal->in);
        terminal->in = NULL, terminal->room = 0;
    }
}

static void commanded(struct mosquitto *client, void *context, const struct mosquitto_message *message, const mosquitto_property *properties) {
    char serial[40];
    (void)client, (void)context, (void)properties;
    if (sscanf(message->topic, "qyzn/%39[^/]/command/open_door", serial) != 1)
        return;
    ENTRY *found = hsearch((ENTRY){serial, NULL}, FIND);
    const char body[] = "{\"message\":\"open_door\",\"data\":{}}";
    if (found != NULL)
        say(found->data, 2, REQUEST, ++command_sequence, body, sizeof body - 1);
}

static void connected(struct mosquitto *client, void *context, int reason, int flags, const mosquitto_property *properties) {
    (void)context, (void)flags, (void)properties;
    if (reason)
        fail("CONNACK");
    mosquitto_subscribe(client, NULL, "qyzn/+/command/open_door", 1);
    puts("ready");
    fflush(stdout);
}

static void connect_broker(int port) {
    mosquitto_lib_init();
    broker = mosquitto_new("peer", true, NULL);
    mosquitto_int_option(broker, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
    mosquitto_int_option(broker, MOSQ_OPT_SEND_MAXIMUM, 100);
    mosquitto_int_option(broker, MOSQ_OPT_TCP_NODELAY, 1);
    mosquitto_connect_v5_callback_set(broker, connected);
    mosquitto_publish_v5_callback_set(broker, acknowledged);
    mosquitto_message_v5_callback_set(broker, commanded);
    if (mosquitto_connect(broker, "127.0.0.1", port, 60) != MOSQ_ERR_SUCCESS)
        fail("mosquitto_connect");
}

static int listen_on(int port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
    struct sockaddr_in address = {AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {0}};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024))
        fail("listen");
    return listener;
}

static void look_for(int epoll, int operation, int fd, uint32_t events) {
    struct epoll_event wanted = {.events = events, .data.fd = fd};
    if (epoll_ctl(epoll, operation, fd, &wanted))
        fail("epoll_ctl");
}

static void accept_all(int epoll, int listener) {
    int fd, yes = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        by_fd[fd] = calloc(1, sizeof(struct terminal));
        by_fd[fd]->fd = fd;
        look_for(epoll, EPOLL_CTL_ADD, fd, EPOLLIN);
    }
}

int main(int count, char **arguments) {
    if (count != 3 || !hcreate(2 * MOST_TERMINALS))
        return 2;
    int epoll = epoll_create1(0), listener = listen_on(atoi(arguments[1]));
    connect_broker(atoi(arguments[2]));
    int socket = mosquitto_socket(broker);
    look_for(epoll, EPOLL_CTL_ADD, listener, EPOLLIN);
    look_for(epoll, EPOLL_CTL_ADD, socket, EPOLLIN);
    for (bool was_writing = false;;) {
        bool is_writing = mosquitto_want_write(broker);
        if (is_writing != was_writing)
            look_for(epoll, EPOLL_CTL_MOD, socket, is_writing ? EPOLLIN | EPOLLOUT : EPOLLIN);
        was_writing = is_writing;
        struct epoll_event happened[256];
        int found = epoll_wait(epoll, happened, 256, 1000);
        for (int each = 0; each < found; each++) {
            int fd = happened[each].data.fd;
            if (fd == listener)
                accept_all(epoll, listener);
            else if (fd != socket)
                read_terminal(by_fd[fd]);
            else if ((happened[each].events & EPOLLIN && mosquitto_loop_read(broker, 100)) ||
                     (happened[each].events & EPOLLOUT && mosquitto_loop_write(broker, 100)))
                return 1;
        }
        mosquitto_loop_misc(broker);
    }
}
