// The works of `cargo xtask bench task` in Go: taskbench WORK [N].
// Each figure is a line: RESULT metric value.
package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

func main() {
	if len(os.Args) < 2 {
		fail("usage: taskbench WORK [N]")
	}
	switch work := os.Args[1]; work {
	case "spawn_join":
		spawnJoin(count(1000000))
	case "spawn_seq":
		spawnSeq(count(300000))
	case "parked":
		parked(count(100000))
	case "pingpong":
		pingpong(count(1000000))
	case "yield":
		yield(count(1000000))
	case "getpid":
		getpid(count(2000000))
	case "clock":
		clock(count(2000000))
	case "echo":
		if len(os.Args) < 3 {
			fail("usage: taskbench echo ADDRESS")
		}
		echo(os.Args[2])
	case "block_nanosleep":
		blockNanosleep(count(1000))
	case "block_pipe":
		blockPipe(count(1000))
	case "threads_left":
		threadsLeft(count(1000))
	case "handoff":
		handoff(count(200))
	case "handoff_busy":
		handoffBusy(count(8))
	case "thread":
		thread(count(2000))
	case "timers":
		timers(count(300))
	case "stop_the_world":
		stopTheWorld(count(300))
	default:
		fail("taskbench: no such work: " + work)
	}
}

func fail(why string) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(2)
}

func check(err error) {
	if err != nil {
		fail("taskbench: " + err.Error())
	}
}

// The second argument, if there is one.
func count(otherwise int) int {
	if len(os.Args) < 3 {
		return otherwise
	}
	n, err := strconv.Atoi(os.Args[2])
	if err != nil || n < 1 {
		fail("taskbench: this is no count: " + os.Args[2])
	}
	return n
}

func result(metric string, value float64) { fmt.Printf("RESULT %s %.3f\n", metric, value) }

func micros(t time.Duration) float64 { return float64(t.Nanoseconds()) / 1e3 }

// The number behind key in /proc/self/status.
func status(key string) float64 {
	status, err := os.ReadFile("/proc/self/status")
	check(err)
	for _, line := range strings.Split(string(status), "\n") {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == key+":" {
			n, err := strconv.Atoi(fields[1])
			check(err)
			return float64(n)
		}
	}
	fail("taskbench: no " + key)
	return 0
}

func mappings() float64 {
	maps, err := os.ReadFile("/proc/self/maps")
	check(err)
	return float64(strings.Count(string(maps), "\n"))
}

// The value that so much of them are not above.
func quantile(values []float64, share float64) float64 {
	sort.Float64s(values)
	return values[int(share*float64(len(values)-1))]
}

func median(values []float64) float64 { return quantile(values, 0.5) }

const slices = 200

func perSlice(n int) int {
	if n < slices {
		return 1
	}
	return n / slices
}

// Times n operations in slices: the nanoseconds of one in the median slice.
func sliced(n int, run func(n int)) float64 {
	n = perSlice(n)
	times := make([]float64, slices)
	for i := range times {
		begin := time.Now()
		run(n)
		times[i] = float64(time.Since(begin).Nanoseconds()) / float64(n)
	}
	return median(times)
}

func spawnJoin(n int) {
	var done sync.WaitGroup
	begin := time.Now()
	done.Add(n)
	for i := 0; i < n; i++ {
		go func() { done.Done() }()
	}
	done.Wait()
	result("spawn_join_ns", float64(time.Since(begin).Nanoseconds())/float64(n))
}

func spawnSeq(n int) {
	done := make(chan struct{})
	result("spawn_seq_ns", sliced(n, func(n int) {
		for i := 0; i < n; i++ {
			go func() { done <- struct{}{} }()
			<-done
		}
	}))
}

func parked(n int) {
	debug.SetGCPercent(-1)
	runtime.GC()
	start := make(chan struct{})
	var ready, done sync.WaitGroup
	before := status("VmRSS")
	ready.Add(n)
	done.Add(n)
	begin := time.Now()
	for i := 0; i < n; i++ {
		go func() { ready.Done(); <-start; done.Done() }()
	}
	ready.Wait()
	took := time.Since(begin)
	result("parked_bytes", (status("VmRSS")-before)*1024/float64(n))
	result("parked_maps", mappings())
	result("parked_spawn_ns", float64(took.Nanoseconds())/float64(n))
	close(start)
	done.Wait()
}

// A switch is what lies between a value's sending and its being received.
func pingpong(n int) {
	there, back := make(chan int, 1), make(chan int, 1)
	go func() {
		for value := range there {
			back <- value
		}
	}()
	round := sliced(n, func(n int) {
		for i := 0; i < n; i++ {
			there <- i
			<-back
		}
	})
	close(there)
	result("pingpong_ns", round/2)
}

// Two tasks yield to each other. In one's slice the other yields as often.
func yield(n int) {
	var done sync.WaitGroup
	var times [2]float64
	done.Add(2)
	for i := range times {
		go func(i int) {
			times[i] = sliced(n, func(n int) {
				for i := 0; i < n; i++ {
					runtime.Gosched()
				}
			})
			done.Done()
		}(i)
	}
	done.Wait()
	result("yield_ns", (times[0]+times[1])/4)
}

// The call by itself, and what the scheduler's part in it takes: slices of both by turns.
func getpid(n int) {
	n = perSlice(n)
	bare, hook := make([]float64, slices), make([]float64, slices)
	for i := range bare {
		begin := time.Now()
		for j := 0; j < n; j++ {
			syscall.RawSyscall(syscall.SYS_GETPID, 0, 0, 0)
		}
		middle := time.Now()
		for j := 0; j < n; j++ {
			syscall.Syscall(syscall.SYS_GETPID, 0, 0, 0)
		}
		hooked := time.Since(middle)
		bare[i] = float64(middle.Sub(begin).Nanoseconds()) / float64(n)
		hook[i] = float64(hooked.Nanoseconds())/float64(n) - bare[i]
	}
	result("getpid_ns", median(bare))
	result("getpid_hook_ns", median(hook))
}

func clock(n int) {
	base := time.Now()
	result("clock_ns", sliced(n, func(n int) {
		for i := 0; i < n; i++ {
			// One reading of the monotonic clock; time.Now reads two clocks.
			_ = time.Since(base)
		}
	}))
}

func echo(address string) {
	listener, err := net.Listen("tcp", address)
	check(err)
	fmt.Println("LISTENING", listener.Addr())
	for {
		client, err := listener.Accept()
		check(err)
		go func() {
			defer client.Close()
			buffer := make([]byte, 4096)
			for {
				n, err := client.Read(buffer)
				if err != nil {
					return
				}
				if _, err := client.Write(buffer[:n]); err != nil {
					return
				}
			}
		}()
	}
}

// Each of n sleeps in the kernel for 50 ms.
func blockNanosleep(n int) {
	var done sync.WaitGroup
	done.Add(n)
	begin := time.Now()
	for i := 0; i < n; i++ {
		go func() {
			left := syscall.NsecToTimespec(50e6)
			for syscall.EINTR == nanosleep(&left) {
			}
			done.Done()
		}()
	}
	done.Wait()
	result("block_nanosleep_ms", micros(time.Since(begin))/1e3)
	result("block_nanosleep_threads", status("Threads"))
}

func nanosleep(left *syscall.Timespec) syscall.Errno {
	address := uintptr(unsafe.Pointer(left))
	_, _, errno := syscall.Syscall(syscall.SYS_NANOSLEEP, address, address, 0)
	return errno
}

func pipe() [2]int {
	var fds [2]int
	check(syscall.Pipe(fds[:]))
	return fds
}

// n blocking reads of empty pipes at once. Until all are under way, and from the first
// byte that is written until all have returned; and the threads there were.
func readers(n int) (entering, leaving time.Duration, threads float64) {
	pipes := make([][2]int, n)
	for i := range pipes {
		pipes[i] = pipe()
	}
	var entered int64
	var done sync.WaitGroup
	done.Add(n)
	begin := time.Now()
	for _, pipe := range pipes {
		go func(fd int) {
			var byte [1]byte
			atomic.AddInt64(&entered, 1)
			_, err := syscall.Read(fd, byte[:])
			check(err)
			done.Done()
		}(pipe[0])
	}
	for atomic.LoadInt64(&entered) != int64(n) {
		runtime.Gosched()
	}
	entering = time.Since(begin)
	threads = status("Threads")
	begin = time.Now()
	for _, pipe := range pipes {
		_, err := syscall.Write(pipe[1], []byte{1})
		check(err)
	}
	done.Wait()
	return entering, time.Since(begin), threads
}

func blockPipe(n int) {
	entering, leaving, threads := readers(n)
	result("block_pipe_ms", micros(entering)/1e3)
	result("block_pipe_drain_ms", micros(leaving)/1e3)
	result("block_pipe_threads", threads)
}

// The threads that are left ten seconds later.
func threadsLeft(n int) {
	readers(n)
	time.Sleep(10 * time.Second)
	result("threads_left", status("Threads"))
}

// How long another task waits for the processor after this one's call, in microseconds.
func handoffOnce() float64 {
	fds := pipe()
	var entered int64
	waited := make(chan int64)
	base := time.Now()
	go func() {
		ran := time.Since(base).Nanoseconds()
		_, err := syscall.Write(fds[1], []byte{1})
		check(err)
		waited <- ran - atomic.LoadInt64(&entered)
	}()
	var byte [1]byte
	atomic.StoreInt64(&entered, time.Since(base).Nanoseconds())
	_, err := syscall.Read(fds[0], byte[:])
	check(err)
	nanoseconds := <-waited
	check(syscall.Close(fds[0]))
	check(syscall.Close(fds[1]))
	return float64(nanoseconds) / 1e3
}

func handoff(n int) {
	waits := make([]float64, n)
	for i := range waits {
		waits[i] = handoffOnce()
		time.Sleep(2 * time.Millisecond)
	}
	result("handoff_us", median(waits))
	result("handoff_p90_us", quantile(waits, 0.9))
}

// The same after 120 ms of work without a call.
func handoffBusy(n int) {
	waits := make([]float64, n)
	for i := range waits {
		for begin := time.Now(); time.Since(begin) < 120*time.Millisecond; {
		}
		waits[i] = handoffOnce()
	}
	result("handoff_busy_us", median(waits))
}

// A task with a thread of its own, which ends with it.
func thread(n int) {
	done := make(chan struct{})
	result("thread_us", sliced(n, func(n int) {
		for i := 0; i < n; i++ {
			go func() { runtime.LockOSThread(); done <- struct{}{} }()
			<-done
		}
	})/1e3)
}

func timers(n int) {
	times := make([]float64, n)
	for i := range times {
		begin := time.Now()
		time.Sleep(200 * time.Microsecond)
		times[i] = micros(time.Since(begin))
	}
	result("sleep_us", median(times))
}

// Reading the statistics stops the world.
func stopTheWorld(n int) {
	var stats runtime.MemStats
	measure := func() float64 {
		times := make([]float64, n)
		for i := range times {
			begin := time.Now()
			runtime.ReadMemStats(&stats)
			times[i] = micros(time.Since(begin))
		}
		return median(times)
	}
	result("stop_idle_us", measure())
	var stop int32
	for i := 0; i < 4; i++ {
		go func() {
			for atomic.LoadInt32(&stop) == 0 {
			}
		}()
	}
	time.Sleep(20 * time.Millisecond)
	result("stop_busy_us", measure())
	atomic.StoreInt32(&stop, 1)
}
