/* Looks up names with the C library that it is linked to, and makes a call to each: `lookups NAME...`. */
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int count, char **names)
{
	for (int i = 1; i < count; i++) {
		struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
		char text[512];
		int error = getaddrinfo(names[i], "80", &hints, &found), s;

		if (error) {
			printf("%s %s\n", names[i], gai_strerror(error));
			continue;
		}
		s = socket(found->ai_family, SOCK_STREAM, 0);
		if (s >= 0 && connect(s, found->ai_addr, found->ai_addrlen) == 0) {
			snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", names[i]);
			if (write(s, text, strlen(text)) > 0)
				while (read(s, text, sizeof(text)) > 0)
					;
		}
		close(s);
		freeaddrinfo(found);
	}
	return 0;
}
