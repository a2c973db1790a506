// Calls from many lines of C++: from functions that the compiler inlines into those of the standard library, and these
// into others. Argument: a port.
#include "lines.h"

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace shop {

void all(int descriptor, const std::vector<std::string> &kinds)
{
	std::for_each(kinds.begin(), kinds.end(), [&](const std::string &kind) {
		char text[300];
		::send(descriptor, text, request(text, kind.c_str(), __LINE__), 0);
		answer(descriptor);
	});
}

void caught(int descriptor)
{
	try {
		throw std::runtime_error("thrown");
	} catch (const std::exception &error) {
		char text[300];
		write(descriptor, text, request(text, error.what(), __LINE__));
		answer(descriptor);
	}
}

} // namespace shop

int main(int, char **argv)
{
	int port = atoi(argv[1]), descriptor = connect_to(port);

	shop::all(descriptor, {"each", "each"});
	shop::caught(descriptor);
	std::function<void(int)> later = [](int to) {
		char text[300];
		send(to, text, request(text, "function", __LINE__), 0);
		answer(to);
	};
	later(descriptor);
	std::thread([port, later] {
		int other = connect_to(port);
		later(other);
		char text[300];
		send(other, text, request(text, "thread", __LINE__), 0);
		answer(other);
		close(other);
	}).join();
	close(descriptor);
	printf("%d\n", calls);
	usleep(REST_US);
}
