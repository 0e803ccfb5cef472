module taskbench

go 1.19
