import edge

for answer in edge.stream(edge.load(), input("camera: ")):
    print(answer.result.decision or answer.result.reason, flush=True)
