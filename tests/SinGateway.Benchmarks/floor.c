/*
 * The floor that the gateway is measured against: what inflating, copying and masking the same stream costs in C.
 *
 *   floor DISCORD-PORT SINGYEONG-PORT SHARDS
 *
 * It opens SHARDS Discord connections (zlib-stream, no TLS) and one to 신경 on 127.0.0.1, all on one epoll, forwards each MESSAGE_CREATE as
 * a SEND to the application "sink". It runs until it is killed; the caller reads its CPU time. It trusts its peers: no checks, no resume,
 * no barrier, nothing kept for sending again. Any error ends it with a message.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

enum { READ_SIZE = 256 << 10, OUTPUT_SIZE = 16 << 20, BATCH_SIZE = 8 << 20, BATCH_LIMIT = 1 << 20, HEARTBEAT_SECONDS = 20 };

#define PREFIX_1 "{\"op\":4,\"t\":\"SEND\",\"d\":{\"target\":{\"application\":\"sink\",\"ops\":[{\"path\":\"/events\",\"op\":\"$contains\"," \
                 "\"to\":{\"value\":\"MESSAGE_CREATE\"}}]},\"nonce\":\""
#define PREFIX_2 "\",\"payload\":"
#define SUFFIX "}}"

struct connection {
    int socket, shard;      /* shard -1: 신경 */
    z_stream inflate;       /* one context for the life of the connection */
    unsigned char *partial; /* the beginning of a frame whose end has not come yet; NULL when there is none */
    size_t partial_length;
    long seq;
};

static unsigned char input[READ_SIZE + OUTPUT_SIZE], output[OUTPUT_SIZE], batch[BATCH_SIZE];
static size_t batch_length;
static struct connection singyeong = { .shard = -1 };
static int shards;

static void fail(const char *what)
{
    fprintf(stderr, "floor: %s: %s\n", what, errno ? strerror(errno) : "unexpected");
    exit(1);
}

static void write_all(int socket, const void *bytes, size_t length)
{
    for (const char *at = bytes; length;) {
        ssize_t written = send(socket, at, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (written < 0 && errno == EAGAIN) {
            struct pollfd writable = { .fd = socket, .events = POLLOUT };
            poll(&writable, 1, -1);
            continue;
        }
        if (written < 0)
            fail("send");
        at += written;
        length -= written;
    }
}

/* Appends to a frame under construction; position is counted from the frame's payload, for the mask to continue. */
static unsigned char *mask_into(unsigned char *to, const void *from, size_t length, uint64_t mask, size_t position)
{
    mask = mask >> (8 * (position & 7)) | (position & 7 ? mask << (64 - 8 * (position & 7)) : 0);
    const unsigned char *bytes = from;
    for (; length >= 8; length -= 8, to += 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        word ^= mask;
        memcpy(to, &word, 8);
    }
    for (; length; length--, mask >>= 8)
        *to++ = *bytes++ ^ (unsigned char)mask;
    return to;
}

/* FIN + text, masked; the 4 bytes of the mask stand twice in the 64-bit word. Returns where the payload goes. */
static unsigned char *frame_header(unsigned char *to, size_t length, uint64_t mask)
{
    *to++ = 0x81;
    if (length < 126) {
        *to++ = 0x80 | length;
    } else if (length < 65536) {
        *to++ = 0x80 | 126;
        *to++ = length >> 8;
        *to++ = length;
    } else {
        *to++ = 0x80 | 127;
        for (int shift = 56; shift >= 0; shift -= 8)
            *to++ = (uint64_t)length >> shift;
    }
    memcpy(to, &mask, 4);
    return to + 4;
}

static uint64_t next_mask(void)
{
    static uint32_t state = 2463534242;
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    return (uint64_t)state << 32 | state;
}

static void send_text(int socket, const char *text)
{
    unsigned char frame[1024];
    uint64_t mask = next_mask();
    unsigned char *payload = frame_header(frame, strlen(text), mask);
    write_all(socket, frame, mask_into(payload, text, strlen(text), mask, 0) - frame);
}

static void send_batch(void)
{
    write_all(singyeong.socket, batch, batch_length);
    batch_length = 0;
}

static void forward(const struct connection *from, const unsigned char *event, size_t length)
{
    char nonce[64];
    size_t nonce_length = sprintf(nonce, "%d:floor:%ld:0", from->shard, from->seq);
    size_t total = sizeof PREFIX_1 - 1 + nonce_length + sizeof PREFIX_2 - 1 + length + sizeof SUFFIX - 1;
    if (batch_length + total + 14 > BATCH_SIZE)
        send_batch();
    uint64_t mask = next_mask();
    unsigned char *payload = frame_header(batch + batch_length, total, mask), *to = payload;
    to = mask_into(to, PREFIX_1, sizeof PREFIX_1 - 1, mask, to - payload);
    to = mask_into(to, nonce, nonce_length, mask, to - payload);
    to = mask_into(to, PREFIX_2, sizeof PREFIX_2 - 1, mask, to - payload);
    to = mask_into(to, event, length, mask, to - payload);
    to = mask_into(to, SUFFIX, sizeof SUFFIX - 1, mask, to - payload);
    batch_length = to - batch;
    if (batch_length > BATCH_LIMIT)
        send_batch();
}

/* Whether the message begins with the text; on the way of an event nothing else is parsed but the seq. */
static int begins(const unsigned char *message, size_t length, const char *text)
{
    return length >= strlen(text) && !memcmp(message, text, strlen(text));
}

static void identify(const struct connection *shard)
{
    char text[512];
    sprintf(text, "{\"op\":2,\"d\":{\"token\":\"floor\",\"properties\":{\"os\":\"linux\",\"browser\":\"floor\",\"device\":\"floor\"},"
                  "\"large_threshold\":250,\"shard\":[%d,%d],\"intents\":513}}", shard->shard, shards);
    send_text(shard->socket, text);
}

static void on_event(struct connection *from, const unsigned char *event, size_t length)
{
    const unsigned char *seq = memmem(event, length < 64 ? length : 64, "\"s\":", 4);
    if (seq && seq[4] != 'n')
        from->seq = strtol((const char *)seq + 4, NULL, 10);
    if (begins(event, length, "{\"t\":\"MESSAGE_CREATE\""))
        forward(from, event, length);
    else if (memmem(event, length < 64 ? length : 64, "\"op\":10", 7))
        identify(from);
    else if (memmem(event, length < 64 ? length : 64, "\"op\":9", 6))
        fail("invalid session");
}

static void on_frame(struct connection *from, int opcode, unsigned char *payload, size_t length)
{
    if (opcode == 8)
        fail("closed by the peer");
    if (from->shard < 0) {
        if (memmem(payload, length, "\"op\":0", 6))
            send_text(from->socket, "{\"op\":1,\"d\":{\"client_id\":\"floor\",\"application_id\":\"floor\"}}");
        if (memmem(payload, length < 64 ? length : 64, "\"error\"", 7))
            fail("신경 answered with an error");
        return;
    }
    z_stream *inflate_context = &from->inflate;
    inflate_context->next_in = payload;
    inflate_context->avail_in = length;
    inflate_context->next_out = output;
    inflate_context->avail_out = sizeof output;
    int code = inflate(inflate_context, Z_SYNC_FLUSH);
    if ((code != Z_OK && code != Z_BUF_ERROR) || inflate_context->avail_in)
        fail("inflate");
    on_event(from, output, sizeof output - inflate_context->avail_out);
}

static void on_readable(struct connection *from)
{
    size_t length = from->partial_length;
    if (from->partial)
        memcpy(input, from->partial, length);
    ssize_t received = recv(from->socket, input + length, READ_SIZE, MSG_DONTWAIT);
    if (received < 0 && errno == EAGAIN)
        return;
    if (received <= 0)
        fail("recv");
    length += received;

    unsigned char *at = input, *end = input + length;
    while (end - at >= 2) {
        size_t payload = at[1] & 0x7f, header = 2;
        if (payload == 126) {
            header = 4;
            if (end - at < 4)
                break;
            payload = at[2] << 8 | at[3];
        } else if (payload == 127) {
            header = 10;
            if (end - at < 10)
                break;
            payload = 0;
            for (int i = 2; i < 10; i++)
                payload = payload << 8 | at[i];
        }
        if ((size_t)(end - at) < header + payload)
            break;
        on_frame(from, at[0] & 15, at + header, payload);
        at += header + payload;
    }

    size_t rest = end - at;
    if (rest > OUTPUT_SIZE)
        fail("a frame beyond any size");
    from->partial = rest ? realloc(from->partial, rest) : (free(from->partial), NULL);
    from->partial_length = rest;
    if (rest)
        memcpy(from->partial, at, rest);
}

static int open_websocket(int port, const char *target)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address))
        fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    char head[1024];
    int length = sprintf(head, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", target, port);
    write_all(fd, head, length);
    /* Byte by byte, so that nothing behind the answer is taken along. */
    for (length = 0; length < 4 || memcmp(head + length - 4, "\r\n\r\n", 4); length++)
        if (length == sizeof head || recv(fd, head + length, 1, 0) != 1)
            fail("upgrade");
    if (strncmp(head, "HTTP/1.1 101", 12))
        fail("upgrade refused");
    return fd;
}

static void heartbeat_all(struct connection *discord)
{
    char text[64];
    for (int i = 0; i < shards; i++) {
        sprintf(text, "{\"op\":1,\"d\":%ld}", discord[i].seq);
        send_text(discord[i].socket, text);
    }
    send_text(singyeong.socket, "{\"op\":5,\"d\":{\"client_id\":\"floor\"}}");
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return fprintf(stderr, "usage: floor DISCORD-PORT SINGYEONG-PORT SHARDS\n"), 2;
    shards = atoi(argv[3]);

    int loop = epoll_create1(0);
    singyeong.socket = open_websocket(atoi(argv[2]), "/gateway/websocket?encoding=json");
    epoll_ctl(loop, EPOLL_CTL_ADD, singyeong.socket, &(struct epoll_event){ .events = EPOLLIN, .data.ptr = &singyeong });
    struct connection *discord = calloc(shards, sizeof *discord);
    for (int i = 0; i < shards; i++) {
        discord[i].shard = i;
        inflateInit(&discord[i].inflate);
        discord[i].socket = open_websocket(atoi(argv[1]), "/?v=10&encoding=json&compress=zlib-stream");
        epoll_ctl(loop, EPOLL_CTL_ADD, discord[i].socket, &(struct epoll_event){ .events = EPOLLIN, .data.ptr = &discord[i] });
    }

    time_t last_heartbeat = time(NULL);
    for (;;) {
        struct epoll_event events[64];
        int count = epoll_wait(loop, events, 64, 1000);
        for (int i = 0; i < count; i++)
            on_readable(events[i].data.ptr);
        if (batch_length)
            send_batch();
        if (count < 64 && time(NULL) - last_heartbeat >= HEARTBEAT_SECONDS) {
            last_heartbeat = time(NULL);
            heartbeat_all(discord);
        }
    }
}
