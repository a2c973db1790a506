module example.test/golines

go 1.18
