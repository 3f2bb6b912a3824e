/* Asks a kiosk over its Unix socket: what may be shown now, or the answer for a picture.
 *
 *     cc -O2 -o unix_socket unix_socket.c
 *     ./unix_socket /run/edgedx/kiosk.sock               the latest answer
 *     ./unix_socket /run/edgedx/kiosk.sock film.png      the answer for a file
 *
 * Prints the reply, one line of JSON. Exit code 0: there is a result; 1: there is none, the line
 * says why; 2: the kiosk could not be asked. A real program would read the line with a JSON
 * library; a result is told here by the one member that says so. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int fail(const char *what) {
    fprintf(stderr, "unix_socket: %s: %s\n", what, strerror(errno));
    return 2;
}

static int send_all(int kiosk, const char *data, size_t size) {
    while (size > 0) {
        ssize_t sent = send(kiosk, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return -1;
        data += sent;
        size -= (size_t)sent;
    }
    return 0;
}

/* The whole file, or NULL; *size is set. */
static char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    struct stat kind;
    char *data = NULL;
    long end = -1;
    if (file == NULL) return NULL;
    if (fstat(fileno(file), &kind) == 0 && !S_ISREG(kind.st_mode)) {
        fclose(file);
        errno = EISDIR;
        return NULL;
    }
    if (fseek(file, 0, SEEK_END) == 0 && (end = ftell(file)) >= 0) {
        rewind(file);
        data = malloc((size_t)end + 1);
    }
    if (data != NULL && fread(data, 1, (size_t)end, file) != (size_t)end) {
        free(data);
        data = NULL;
    }
    fclose(file);
    *size = end < 0 ? 0 : (size_t)end;
    return data;
}

static int ask(int kiosk, const char *picture) {
    char request[96];
    char *data = NULL;
    size_t size = 0;
    int status;
    if (picture == NULL) {
        snprintf(request, sizeof request, "{\"id\":1,\"request\":\"latest\"}\n");
    } else {
        data = read_file(picture, &size);
        if (data == NULL) return -1;
        snprintf(request, sizeof request, "{\"id\":1,\"request\":\"infer\",\"bytes\":%zu}\n", size);
    }
    status = send_all(kiosk, request, strlen(request));
    if (status == 0) status = send_all(kiosk, data, size);
    free(data);
    return status;
}

int main(int count, char **words) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *picture = count > 2 ? words[2] : NULL;
    const char *good = picture == NULL ? "\"state\":\"answered\"" : "\"status\":\"ok\"";
    char *line = NULL;
    size_t room = 0;
    FILE *reply;
    int kiosk, has_result;

    if (count < 2 || strlen(words[1]) >= sizeof address.sun_path) {
        fprintf(stderr, "usage: unix_socket SOCKET [PICTURE]\n");
        return 2;
    }
    strcpy(address.sun_path, words[1]);
    kiosk = socket(AF_UNIX, SOCK_STREAM, 0);
    if (kiosk < 0) return fail("socket");
    if (connect(kiosk, (struct sockaddr *)&address, sizeof address) < 0) return fail(words[1]);
    /* A picture over the limit is not read to its end; the reply says why. */
    if (ask(kiosk, picture) < 0 && errno != EPIPE) return fail(picture == NULL ? words[1] : picture);
    reply = fdopen(kiosk, "r");
    if (reply == NULL || getline(&line, &room, reply) < 0) return fail("no reply");
    fputs(line, stdout);
    has_result = strstr(line, good) != NULL;
    free(line);
    fclose(reply);
    return has_result ? 0 : 1;
}
